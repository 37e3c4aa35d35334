"""Files that ship with the package, and small networks filled from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import AssetError

if TYPE_CHECKING:
    from torch import nn

    M = TypeVar("M", bound=nn.Module)


def asset(name: str) -> Path:
    """Path of a file that ships with the package. Raises `AssetError` if it is missing."""
    path = Path(__file__).parents[1] / "assets" / name
    if not path.exists():
        raise AssetError(
            f"{path} is missing; reinstall the pack, or rebuild it with `python -m pretraining`"
        )
    return path


def load_weights(model: M, path: Path) -> M:
    """The model with the file's weights, float32, in eval mode. Raises `AssetError` if none fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        model.load_state_dict({key: value.float() for key, value in load_file(path).items()})
    except (SafetensorError, RuntimeError, OSError) as error:
        raise AssetError(f"{path} is damaged ({error}); reinstall the pack") from error
    return model.eval().requires_grad_(False)
