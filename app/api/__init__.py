"""HTTP: wire models beside their routes."""
