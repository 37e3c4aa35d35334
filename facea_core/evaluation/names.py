"""Who can tell people apart: the names that `load_embedder` knows, and auto."""

EMBEDDERS = ("auto", "tiny", "landmarks")
