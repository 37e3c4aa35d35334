"""How well damaged photos are restored."""
