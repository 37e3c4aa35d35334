"""Files in, tensors out, and back: images, masks, safetensors, all opened without trust."""
