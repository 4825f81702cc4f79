"""The command line, over the same actions as HTTP."""
