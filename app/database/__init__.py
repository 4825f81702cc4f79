"""Connections, the schema, and the embedded server."""
