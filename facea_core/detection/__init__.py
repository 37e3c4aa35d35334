"""Faces and their parts in pictures: detectors that propose, priors that choose."""
