"""Rebuilds the embedded miniature from a seed; run as `python -m pretraining`."""
