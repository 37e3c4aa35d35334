"""Lists of identities among thousands of LoRA files, and on disks that fail; prints a line of JSON.

    python tests/host/listing.py <ComfyUI> <empty folder>

What the first three schemas of a node that lists identities ask of the disk, and the names that it
lists in each situation.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

from inside import enter, part

FILES = 10_000
HEADER = 100_000
SIZE = 143_000


def main(comfyui: Path, base: Path) -> dict[str, Any]:
    loras = base / "models" / "loras"
    (loras / "facea").mkdir(parents=True)
    style = base / "style"
    style.write_bytes(kohya())
    for number in range(FILES):
        os.link(style, loras / f"style-{number:05}.safetensors")
    enter(comfyui, base)
    ada = person("ada")
    (loras / "facea" / "ada.safetensors").write_bytes(ada)
    found: dict[str, Any] = {"asked": [asked(loras), asked(loras), asked(loras)]}
    found["ada among thousands"] = listed()

    (loras / "eve.safetensors").write_bytes(ada)
    found["one more"] = listed()
    (loras / "eve.safetensors").unlink()
    found["gone again"] = listed()
    (loras / "facea" / "ada.safetensors").write_bytes(ada[:1000])
    found["damaged in place"] = listed()
    (loras / "facea" / "ada.safetensors").write_bytes(ada)
    found["mended in place"] = listed()

    for path in loras.glob("style-*"):
        path.unlink()
    (loras / "style.safetensors").write_bytes(kohya())
    found["only strangers"] = listed()
    (loras / "style.safetensors").write_bytes(ada)
    found["a stranger written over in place"] = listed()
    (loras / "style.safetensors").unlink()

    for name, metadata in odd():
        (loras / "odd.safetensors").write_bytes(changed(ada, metadata))
        found[name] = listed()
    (loras / "odd.safetensors").unlink()
    os.mkfifo(loras / "pipe.safetensors")
    (loras / "loop.safetensors").symlink_to("loop.safetensors")
    (loras / "folder.safetensors").mkdir()
    (loras / "dangling.safetensors").symlink_to("nowhere")
    found["no plain files"] = listed()
    for number in (errno.EACCES, errno.EIO, errno.ESTALE):
        for call in ("open", "stat", "scandir", "listdir"):
            with failing(call, number, loras):
                found[f"{call} {number}"] = set(listed()) <= {"facea/ada.safetensors"}
                fingerprint("facea/ada.safetensors")
    found["well again"] = listed()
    return found


def listed() -> list[str]:
    nodes = part("nodes.lora").FaceALoRALoader, part("nodes.info").FaceAIdentityInfo
    lists = [next(i.options for i in n.define_schema().inputs if i.id == "file") for n in nodes]
    assert lists[0] == lists[1]
    return lists[0][1:]


def fingerprint(name: str) -> str:
    return part("nodes.lora").FaceALoRALoader.fingerprint_inputs(name)


def asked(folder: Path) -> dict[str, float]:
    """How often one schema opens, and how often it asks after, what is in a folder; CPU seconds."""
    counts = {"open": 0, "stat": 0}
    whole: dict[str, Callable[..., Any]] = {call: getattr(os, call) for call in counts}

    def counted(call: str) -> Callable[..., Any]:
        def ask(path: Any, *args: Any, **kwargs: Any) -> Any:
            counts[call] += not isinstance(path, int) and folder in Path(path).parents
            return whole[call](path, *args, **kwargs)

        return ask

    before = time.process_time()
    with mock.patch("os.open", counted("open")), mock.patch("os.stat", counted("stat")):
        part("nodes.lora").FaceALoRALoader.define_schema()
    return {**counts, "seconds": round(time.process_time() - before, 4)}


def kohya() -> bytes:
    """A LoRA as kohya's trainer writes it, most of it header."""
    tags = {"set": {f"a tag of the data set, number {i}": i for i in range(HEADER // 40)}}
    metadata = {"ss_network_module": "networks.lora", "ss_tag_frequency": json.dumps(tags)}
    header = json.dumps({"__metadata__": metadata}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(SIZE - 8 - len(header))


def person(name: str) -> bytes:
    import torch

    types, identity = part("facea_core.types"), part("facea_core.identity")
    word = types.Word(f"{name}/eyes", "eyes", "eyes", {"clip_l": torch.zeros(1, 8)})
    lora = {"mid.attn1.to_q": types.LoraWeights(torch.zeros(4, 8), torch.zeros(8, 4), 4.0)}
    meta = types.IdentityMeta("sd15", "0" * 16, "man", "a photo", 1, 0, 4)
    path = Path("person.safetensors").absolute()
    path = path.with_name(f".{os.getpid()}.safetensors")
    try:
        identity.save_identity(types.Identity(name, (word,), lora, meta), path)
        return path.read_bytes()
    finally:
        path.unlink(missing_ok=True)


def odd() -> Iterator[tuple[str, dict[str, str]]]:
    yield "format ²", {"facea.format": "²"}
    yield "format of many digits", {"facea.format": "9" * 4301}
    yield "lists in lists", {"facea.meta": "[" * 2000 + "]" * 2000}
    yield "a number of many digits", {"facea.meta": '{"steps": ' + "9" * 5000 + "}"}
    yield "no object", {"facea.meta": "[]"}


def changed(data: bytes, metadata: dict[str, str]) -> bytes:
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] |= metadata
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


@contextmanager
def failing(call: str, number: int, folder: Path) -> Iterator[None]:
    """`os.<call>` fails below the folder, as on a disk that is damaged or no longer there."""
    whole: Callable[..., Any] = getattr(os, call)

    def fail(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
        if not isinstance(path, int) and folder in (Path(path), *Path(path).parents):
            raise OSError(number, os.strerror(number), str(path))
        return whole(path, *args, **kwargs)

    with mock.patch.object(os, call, fail):
        yield


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))  # noqa: T201
