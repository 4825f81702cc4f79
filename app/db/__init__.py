"""All SQL: plain functions that take a connection first."""
