"""Packages whose names are imported when somebody asks for them.

The one way in which FaceA starts quickly: diffusers and transformers are imported inside the
functions that work with them, torch by the modules that compute, and a package that has a module
without torch hands its names out late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def door(package: str, modules: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """The `__getattr__` of `package` (PEP 562), which finds `modules[m]` in its module `m`."""
    homes = {name: module for module, names in modules.items() for name in names}

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f".{homes[name]}", package), name)

    return find
