"""Names that nodes and flags offer, read without what works with them."""

ORDERS = ("left-to-right", "by likeness")
"""Who is painted over which face."""
