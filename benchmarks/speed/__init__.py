"""How fast a training step is, beside loops written as diffusers and kohya write theirs."""
