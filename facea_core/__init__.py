"""FaceA-Net in Python: personalise an inpainting diffusion model on three photos of one person.

An independent implementation of attribute-driven test-time fine-tuning (FaceA-Net, AAAI 2025).
Nothing is imported here, so `import facea_core` costs nothing.
"""

__version__ = "0.1.0"
