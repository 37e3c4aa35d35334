"""What users do not need: how fast training is, and how well a person is learned."""
