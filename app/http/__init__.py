"""The HTTP API: the frame, and a file for each noun."""
