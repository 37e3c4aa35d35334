"""Whether all that FaceA needs is there: a line each, with a remedy, for people and bug reports."""
