"""Seeds: all 64 bits of one count, though torch's generator on the CPU reads 32."""

from __future__ import annotations

import hashlib

import torch

SHORT = 2**32
"""Seeds below are taken as they are."""


def short_seed(seed: int) -> int:
    """A seed of 32 bits for one of up to 64: below 2^32 itself, else the start of its SHA-256.

    Of a longer one torch would take the lower half, so that 2^32 + 7 were 7 again.
    """
    if 0 <= seed < SHORT:
        return seed
    return int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:4], "little")


def seeded(seed: int) -> torch.Generator:
    """A generator on the CPU; every seed has a stream of its own, as far as 32 bits go."""
    return torch.Generator().manual_seed(short_seed(seed))
