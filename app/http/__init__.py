"""The HTTP API: the frame of every request, and the routes by subject."""
