"""What people do with lines."""
