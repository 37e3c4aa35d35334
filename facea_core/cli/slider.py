"""`facea slider`: learn to add and take away an attribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..sliders.config import SliderConfig
from .flags import parse
from .forms import Slider


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea slider", Slider, arguments, defaults=settings_of, slider=SliderConfig()
    )
    from .work.slider import slider

    slider(flags, configs["slider"])


def settings_of(said: Mapping[str, Any]) -> dict[str, SliderConfig]:
    """The settings to begin with on the family of `--base`."""
    base, family = said.get("base"), ""
    if base == "tiny":
        family = "facea-tiny"
    elif base is not None:
        from ..backbone import family_of

        family = family_of(base, said.get("vae"))
    return {"slider": SliderConfig.for_family(family)}
