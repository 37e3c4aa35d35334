"""FaceA-Bench: does a person come out like themselves, and what does each idea add to that?"""
