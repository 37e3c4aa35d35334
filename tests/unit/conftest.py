"""What several subjects are tested on."""

import pytest
import torch

from facea_core.types import Identity, IdentityMeta, LoraWeights, Word

from .identity_file.metadata import CONV, LINEAR


@pytest.fixture(autouse=True)
def same_numbers_each_time() -> None:
    """Random inputs do not hang on which tests ran before."""
    torch.manual_seed(0)


@pytest.fixture
def identity() -> Identity:
    random = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=random)

    words = tuple(
        Word(f"ada/{name}", name, name, {"clip_l": draw(n, 8), "clip_g": draw(n, 12)})
        for name, n in (("eyes", 1), ("hair", 3))
    )
    lora = {
        LINEAR: LoraWeights(draw(4, 6), draw(5, 4), 4.0),
        CONV: LoraWeights(draw(4, 6, 3, 3), draw(7, 4, 1, 1), 2.5),
    }
    meta = IdentityMeta(
        "sd15", "0123456789abcdef", "woman", "a photo of embedding:ada/eyes", 100, 7, 4,
        config={"steps": 100, "rank": 4}, scores={"training": 0.5}, tool_version="0.1.0",
    )  # fmt: skip
    return Identity("ada", words, lora, meta)
