"""A made-up county and petition, and the show that posts it to a real service over HTTP."""
