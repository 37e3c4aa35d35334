"""What makes a step fast on a GPU; a reader of the method may skip it: results are the same."""
