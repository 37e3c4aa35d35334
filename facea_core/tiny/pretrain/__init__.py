"""Rebuilds the embedded miniature from a seed; run as `python -m facea_core.tiny.pretrain`."""
