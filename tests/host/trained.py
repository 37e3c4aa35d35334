"""What a training in ComfyUI leaves behind, and what the node says of one that was found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .server import Server


def saved(host: Server, name: str) -> dict[str, Path]:
    """The files that one trained person leaves behind, by what they are."""
    models = host.base / "models"
    words = sorted((models / "embeddings" / name).glob("*.safetensors"))
    loras = models / "loras" / "facea"
    return {
        "identity": loras / f"{name}.safetensors",
        "card": loras / f"{name}.jpg",
        **{f"word {path.stem}": path for path in words},
    }


def assert_kept(said: dict[str, Any]) -> None:
    assert said["cached"] is True
    assert said["steps_run"] == 0
