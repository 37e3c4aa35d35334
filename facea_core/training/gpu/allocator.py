"""What CUDA's memory allocator forbids: ComfyUI starts with `cudaMallocAsync` on most NVIDIA cards.

Memory given out by it during a capture is not mapped yet, so Triton refuses its address, and after
a failed capture it ends the whole process; and cuDNN, asking it how much workspace there is, takes
the whole card. The allocator is chosen before torch starts and cannot be changed in a process.
"""

from __future__ import annotations

import torch

ASYNC = "cudaMallocAsync"

NOTE = (
    f"ComfyUI's allocator {ASYNC} allows no CUDA graph and no search for the fastest convolutions, "
    "so training is slower (a step of SD 1.5 on an H200 about 140 ms, not 31): start ComfyUI with "
    "--disable-cuda-malloc to have both"
)


def is_async(device: torch.device) -> bool:
    """Whether `device` is a CUDA device whose memory that allocator gives out."""
    return device.type == "cuda" and torch.cuda.get_allocator_backend() == ASYNC


def launch_note(device: torch.device) -> str:
    """What training on `device` does without for the way the program was started, or nothing."""
    return NOTE if is_async(device) else ""
