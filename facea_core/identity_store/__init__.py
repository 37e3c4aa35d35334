"""Identities on disk, and trainings not finished: shared by any number of processes."""
