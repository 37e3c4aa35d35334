"""A set of painted people, listed as sampled ones are."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from torch import Tensor

from benchmarks.dataset.heads import anywhere, painted
from facea_core.dataset.manifest import write_manifest
from facea_core.dataset.values import Picture
from facea_core.io.generated_images import generated_bytes


def write_painted_set(
    folder: Path,
    people: Iterable[int],
    each: int,
    change: Callable[[Tensor], Tensor] = Tensor.clone,
) -> list[Picture]:
    """Painted people by number, the picture of each `change`d before it is written."""
    numbers, pictures = list(people), []
    shown = painted(anywhere(number, each) for number in numbers)
    for place, one in enumerate(shown):
        name, path = (
            f"person-{numbers[one.label]:03}",
            f"images/{one.label:04}/{place % each:03}.jpg",
        )
        jpeg, _ = generated_bytes(change(one.image), "JPEG", quality=95)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(jpeg)
        height, width = one.image.shape[-2:]
        box = (one.face.x0, one.face.y0, one.face.x1, one.face.y1)
        pictures.append(Picture(
            id=f"{one.label}-{place % each}", identity=name, label=one.label, path=path,
            sha256=hashlib.sha256(jpeg).hexdigest(), width=width, height=height,
            caption="", prompt="", negative="", asked={}, read={}, cosine=0.9, margin=None,
            nearest="", alike=0.5, tries=1, seed=place, host="", host_sha256="", box=box, points=(),
            identity_sha256="", model="", settings="",
        ))  # fmt: skip
    write_manifest(folder, pictures)
    return pictures
