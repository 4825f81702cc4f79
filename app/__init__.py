"""Verifies the signatures of a recall petition against a county's voter roll."""
