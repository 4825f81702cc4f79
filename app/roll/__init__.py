"""The county's voter roll, in versions."""
