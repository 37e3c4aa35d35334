"""Restoring a damaged photo as a person that was learned."""
