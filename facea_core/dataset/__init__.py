"""Sets of pictures of learned people: the same person in many different pictures."""
