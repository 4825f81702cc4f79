"""A scanning station's client: posts the lines of a petition over HTTP, each exactly once. It uses nothing else."""
