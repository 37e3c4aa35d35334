"""Grounding-DINO (Liu et al., ECCV 2024, arXiv 2303.05499): finds what a phrase names."""
