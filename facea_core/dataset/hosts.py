"""Host pictures: whose faces are painted over, so that pose, light and backdrop vary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..audit.measure import blur_of
from ..detection.base import Detector
from ..errors import FaceAError, ImageError, NoFaceError
from ..io.hashes import sha256_of
from ..io.photos import name_in, photo_files
from ..portraits import examine, read_template
from ..portraits.files import KEEP
from ..seeds import seeded
from ..types import FaceAttributes
from .grid import Axis, Cell, number_of
from .reading import Measures, Thirds, levels_of, measures_of


@dataclass(frozen=True, eq=False)
class Host:
    """A picture of somebody and what was found in it.

    `noun` is whom it may become ("" = anybody), `prompt` what it shows beside the person. The
    picture lies at `path`, or is `image (1, 3, H, W)` itself.
    """

    name: str
    sha256: str
    face: FaceAttributes
    measures: Measures
    blur: float
    noun: str = ""
    prompt: str = ""
    path: Path | None = None
    image: Tensor | None = None

    def read(self) -> tuple[Tensor, Tensor | None]:
        """The picture (1, 3, H, W) and the mask (1, 1, H, W) of what is kept in front of the face.

        Raises ImageError for a file that is another one by now.
        """
        if self.image is not None or self.path is None:
            assert self.image is not None
            return self.image, None
        if sha256_of(self.path) != self.sha256:
            raise ImageError(f"host {self.path} changed since it was read; start again")
        one = read_template(self.path)
        return one.image, one.keep


def read_hosts(
    folder: Path,
    detector: Detector,
    resolution: int,
    on_tick: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[list[Host], list[str]]:
    """The pictures in a folder, and in those in it, that one person can be painted into; and why
    others cannot.

    A folder in it that is called like a class noun (man, woman) holds hosts for these people alone.
    Pictures with a second face are left out: it would be somebody's, and labelled as another's.
    Raises ImageError if there is no picture, NoFaceError if none can be used.
    """
    files = [path for path in photo_files(folder, deep=True) if not path.name.endswith(KEEP)]
    hosts, notes = [], []
    for number, path in enumerate(files, start=1):
        try:
            one = read_template(path)
            noun = path.relative_to(folder).parts[0] if path.parent != folder else ""
            name = name_in(folder, path)
            host = host_of(one.image, name, sha256_of(path), detector, resolution, noun,
                           one.prompt, one.faces, path)  # fmt: skip
        except FaceAError as error:
            host = str(error)
        if isinstance(host, str):
            notes.append(f"host {name_in(folder, path)} left out: {host}")
        else:
            hosts.append(host)
        on_tick(number, len(files))
    if not hosts:
        raise NoFaceError(
            f"none of the {len(files)} pictures in {folder} can be painted into: {notes[0]}"
        )
    return hosts, notes


def host_of(
    image: Tensor,
    name: str,
    sha256: str,
    detector: Detector,
    resolution: int,
    noun: str = "",
    prompt: str = "",
    faces: str = "",
    path: Path | None = None,
) -> Host | str:
    """The host that an image (1, 3, H, W) makes, or why it is none; see `portraits.examine`."""
    seen = examine(image, name, detector, resolution, prompt, faces)
    if len(seen.faces) != 1 or seen.unfit:
        reasons = "; ".join(seen.unfit) or f"{len(seen.faces)} faces, and one is needed"
        return reasons
    (face,) = seen.faces
    return Host(
        name, sha256, face, measures_of(image, face), blur_of(image, face, resolution), noun,
        prompt, path, image if path is None else None,
    )  # fmt: skip


def hosts_for(
    cells: Sequence[Cell],
    hosts: Sequence[Host],
    axes: Sequence[Axis],
    thirds: Thirds,
    whose: str,
    noun: str,
    rounds: int,
    used: list[int],
) -> list[tuple[int, ...]]:
    """For each cell `rounds` numbers of hosts, those first that show most of what it asks for.

    No host twice for one person while there are others; among hosts that are as good the one that
    was used least so far, by `used`, which counts on. Raises ImageError if no host is for `noun`.
    """
    from scipy.optimize import linear_sum_assignment

    fit = [number for number, host in enumerate(hosts) if host.noun in ("", noun)]
    if not fit:
        raise ImageError(
            f"no host picture is for a {noun}: all are in folders of other nouns; put some into "
            f"the folder of hosts itself, or into one called {noun}"
        )
    shown = [levels_of(axes, hosts[number].measures, thirds) for number in fit]
    wrong = np.array([[_misses(cell, levels) for levels in shown] for cell in cells], dtype=float)
    generator = seeded(number_of(whose, "hosts"))
    ties = torch.rand(wrong.shape, generator=generator, dtype=torch.float64).numpy() * 0.01
    times = np.zeros(len(fit))
    chosen: list[list[int]] = [[] for _ in cells]
    for _ in range(rounds):
        left = list(range(len(cells)))
        while left:
            often = np.array([used[number] for number in fit]) / (1 + max(used))
            cost = wrong + ties + 0.1 * often + 100 * times
            rows, columns = linear_sum_assignment(cost[left])
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
                chosen[left[row]].append(fit[column])
                times[column] += 1
                used[fit[column]] += 1
            seated = set(rows.tolist())
            left = [cell for place, cell in enumerate(left) if place not in seated]
    return [tuple(some) for some in chosen]


def _misses(cell: Cell, levels: Mapping[str, str]) -> int:
    return sum(1 for axis, level in levels.items() if cell.get(axis, level) != level)
