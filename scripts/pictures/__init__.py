"""Pictures out of runs in ComfyUI: what nodes painted, and what they look like."""
