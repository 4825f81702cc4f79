"""The append-only, hash-chained record of the count."""
