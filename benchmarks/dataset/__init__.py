"""What sampled sets are worth: to a face recogniser that learns from them, and by themselves."""
