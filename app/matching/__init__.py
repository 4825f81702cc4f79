"""Finding the voter."""
