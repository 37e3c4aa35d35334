"""What the commands do once their flags are read. Torch is imported here, and not before."""
