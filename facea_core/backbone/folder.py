"""Diffusers folders: which files hold the weights of a module."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BackboneError

_VARIANTS = ("", ".fp16", ".bf16", ".fp32")


@dataclass(frozen=True)
class Folder:
    """What `save_pretrained` wrote, or a download of it."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def config(self, module: str, file: str) -> dict[str, Any]:
        """A module's JSON file; empty if there is none."""
        path = self.path / module / file
        if not path.is_file():
            return {}
        try:
            return json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise BackboneError(f"{path} is no JSON ({error}); download it again") from error

    def files(self, module: str, stem: str) -> list[Path]:
        """The .safetensors files of a module, the full-size variant first; none = no such module.

        Raises BackboneError if there are only pickles, or shards are missing.
        """
        folder = self.path / module
        for variant in _VARIANTS:
            for name in (
                f"{stem}.safetensors.index{variant}.json",
                f"{stem}{variant}.safetensors.index.json",
            ):
                if (folder / name).is_file():
                    return self._shards(module, name)
            single = folder / f"{stem}{variant}.safetensors"
            if single.is_file():
                return [single]
        pickles = [path.name for path in folder.glob("*.bin")]
        if pickles:
            raise BackboneError(
                f"{self.name}/{module} holds only pickles ({pickles[0]}), which can run code; "
                "download its .safetensors files"
            )
        return []

    def _shards(self, module: str, index: str) -> list[Path]:
        names = set(self.config(module, index).get("weight_map", {}).values())
        shards = sorted(self.path / module / name for name in names)
        for shard in shards:
            if not shard.is_file():
                raise BackboneError(
                    f"{self.name}/{module} lacks {shard.name}, which {index} names; download it"
                )
        return shards
