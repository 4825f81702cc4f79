"""The one way in which the count changes."""
