"""The scanning station's client: posts the lines of a petition over HTTP, each exactly once, over a bad network.

It is a client of the HTTP interface and of nothing else in the service.

`post.post_file` posts a file and can be resumed after any kind of death; `post.post_signatures` posts what a caller
has in memory; `cli` mounts the first on the command line.
"""
