"""A small set of real JPEGs with points where a face would have them."""

import hashlib
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from facea_core.dataset.formats.aligned import PLACES
from facea_core.dataset.values import Picture
from facea_core.io.generated_images import generated_bytes

SIDE = 160


def points_at(angle: float, scale: float = 1.2) -> tuple[tuple[float, float], ...]:
    """ArcFace's five places, larger, turned by so many degrees about the middle of a picture."""
    c, s = (f(math.radians(angle)) * scale for f in (math.cos, math.sin))
    turned = (PLACES - 56) @ np.array([[c, -s], [s, c]]).T + SIDE / 2
    return tuple((float(x), float(y)) for x, y in turned)


def smooth(seed: int, height: int = SIDE, width: int = SIDE) -> torch.Tensor:
    """`(1, 3, height, width)` without fine detail, so that JPEG hardly changes it."""
    coarse = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


def make_set(
    folder: Path, people: tuple[str, ...] = ("ada", "bob", "eva"), each: int = 3, **other: object
) -> list[Picture]:
    """Pictures of a set, with their JPEGs in `folder`; of the last person's last no points."""
    pictures = []
    for label, name in enumerate(people):
        for i in range(each):
            path = f"images/{label:04d}_{name.replace('/', '_')}/{i:03d}.jpg"
            jpeg, _ = generated_bytes(smooth(100 * label + i), quality=95)
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(jpeg)
            last = label == len(people) - 1 and i == each - 1
            known = dict(
                id=f"{label}-{i}",
                identity=name,
                label=label,
                path=path,
                sha256=hashlib.sha256(jpeg).hexdigest(),
                width=SIDE,
                height=SIDE,
                caption=f"a photo of a person, smiling, {i}",
                prompt="a photo of {words}",
                negative="",
                asked={"yaw": ("left", "front", "right")[i % 3], "light": "flat"},
                read={"yaw": "front"} if i else {},
                cosine=0.91 + i / 100,
                margin=0.2 if i else None,
                nearest="bob",
                alike=0.5,
                tries=1 + i,
                seed=2**64 - 1 - i,
                host="host 1.png",
                host_sha256="ab" * 32,
                box=(30, 20, 130, 140),
                points=() if last else points_at(10.0 * (i - 1)),
                identity_sha256="cd" * 32,
                model="facea-tiny",
                settings="ef" * 8,
                licence="cc-by-4.0",
                consent="given in writing",
                version="1.0",
            )
            pictures.append(Picture(**{**known, **other}))  # pyright: ignore[reportArgumentType]
    return pictures


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, by its path in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
