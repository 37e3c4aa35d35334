"""FaceA for ComfyUI. The library is `facea_core`; it needs no ComfyUI and runs from the shell."""
