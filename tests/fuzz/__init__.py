"""Files changed at random, by a seed, and what must hold whatever they hold.

    python -m tests.fuzz --identities 10000 --states 1000

Of every changed file: no exception but a FaceAError, no content that is no identity's, no bytes
other than they were without an error, no hang, no memory beyond bounds.
"""
