"""Everything about a set that is known before the first picture is painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import torch

from ..composing import ComposeConfig
from ..errors import ConfigError, quoted
from ..io.hashes import hash_of
from ..version import __version__
from .config import DatasetConfig
from .grid import axes_of, cells
from .hosts import Host, hosts_for
from .people import Person, band_of
from .reading import thirds_of
from .sample import Shared, Unit


def plan_set(
    people: Sequence[Person],
    hosts: Sequence[Host],
    embedder: str,
    config: DatasetConfig,
    composing: ComposeConfig,
    resolution: int,
    model: str,
    licence: str = "",
) -> tuple[Shared, list[Unit]]:
    """What the pictures of all these people are made with, and each person's share, by label.

    `model` names the base model. Raises ConfigError for people of one name, or none, ImageError
    where no host is for somebody.
    """
    if not people:
        raise ConfigError("there is nobody to make pictures of")
    names = [person.name for person in people]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"two people are called {quoted(twice)}; give each a name of their own")
    axes = axes_of(config.axes)
    thirds = thirds_of([host.measures for host in hosts])
    band = band_of(people, embedder, config)
    centres = torch.stack([person.centre for person in people])
    about = {
        "version": __version__, "dataset": asdict(config), "composing": asdict(composing),
        "band": asdict(band), "thirds": thirds, "names": names, "centres": centres.tolist(),
        "hosts": [host.sha256 for host in hosts], "model": model, "embedder": embedder,
        "resolution": resolution,
    }  # fmt: skip
    shared = Shared(
        config, axes, tuple(hosts), thirds, tuple(names), centres, band, resolution, model,
        hash_of(about), composing.negative, licence,
    )  # fmt: skip
    used = [0] * len(hosts)
    units = []
    for person in people:
        grid = tuple(cells(axes, config.count, person.name, config.seed))
        chosen = hosts_for(grid, hosts, axes, thirds, person.name, person.noun, config.tries, used)
        units.append(Unit(person, grid, tuple(chosen)))
    return shared, units


def key_of(unit: Unit, shared: Shared) -> str:
    """16 hex digits over all that the pictures of a person depend on; what is said of them beside,
    consent and licence, changes no picture."""
    person = unit.person
    return hash_of({
        "settings": shared.settings, "name": person.name, "label": person.label,
        "identity": person.sha256,
        "hosts": unit.hosts, "cells": [dict(cell) for cell in unit.cells],
    })  # fmt: skip
