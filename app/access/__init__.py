"""People, keys and roles."""
