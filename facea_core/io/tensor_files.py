"""FaceA's own safetensors files: sealed by a checksum, and read as if a stranger had written them.

Nothing is mapped into memory, for a file that another program writes over would then end the whole
process. The header is judged before any tensor is read, and of the tensors no more than it states.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

HEADER_MOST = 1 << 20
"""Bytes of the longest header that is read; the largest identity's has less than half of it."""

SEAL = "facea.sha256"
"""The metadata's key of the checksum."""


class Kind(NamedTuple):
    """A type of numbers, without torch: its name there, bytes of one, whether it has fractions."""

    name: str
    itemsize: int
    is_floating_point: bool = True

    def __str__(self) -> str:
        return f"torch.{self.name}"


FLOAT32 = Kind("float32", 4)
_KINDS = {
    "F64": Kind("float64", 8), "F32": FLOAT32, "F16": Kind("float16", 2),
    "BF16": Kind("bfloat16", 2), "I64": Kind("int64", 8, False), "I32": Kind("int32", 4, False),
    "U8": Kind("uint8", 1, False),
    "F8_E4M3": Kind("float8_e4m3fn", 1), "F8_E5M2": Kind("float8_e5m2", 1),
}  # fmt: skip
_MOST_DIMENSIONS = 8
_MOST_DIGITS = 20
_CUT = "the file was cut off"
_BROKEN = "its checksum does not hold: something in it was changed"


@dataclass(frozen=True)
class Entry:
    """A tensor as the header states it; `begin` and `end` count bytes behind the header."""

    dtype: Kind
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """What a file says before its tensors, which begin at byte `start`."""

    metadata: Mapping[str, str]
    entries: Mapping[str, Entry]
    start: int


def sealed(tensors: Mapping[str, Tensor], metadata: Mapping[str, str], text: str) -> bytes:
    """A safetensors file whose checksum covers the tensors and the metadata's entry `text`.

    Equal content gives equal bytes. The tensors are contiguous and on the CPU.
    """
    return plain(tensors, {**metadata, SEAL: checksum(tensors, metadata[text])})


def plain(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """The same without a checksum, for files that are not FaceA's alone."""
    from safetensors.torch import save

    return _canonical(save(dict(tensors), dict(metadata)))


def checksum(tensors: Mapping[str, Tensor], text: str) -> str:
    """SHA-256 over names, types, shapes and values, in whatever order they lie, and a text."""
    import torch

    plain = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    rows = (
        (name, tensor.dtype, tensor.shape, tensor.flatten().view(torch.uint8).numpy().data)
        for name, tensor in sorted(plain.items())
    )
    return _checksum(rows, text)


def _checksum(rows: Iterable[tuple[str, Any, Iterable[int], Any]], text: str) -> str:
    lines = [text]
    for name, dtype, shape, data in rows:
        lines.append(f"{name} {dtype} {list(shape)} {hashlib.sha256(data).hexdigest()}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def check_seal(header: Header, tensors: Mapping[str, Tensor], text: str) -> None:
    """Raise ValueError unless tensors and text are those that were sealed.

    A file without a checksum, as earlier versions wrote them, passes.
    """
    said = header.metadata.get(SEAL)
    if said is not None and said != checksum(tensors, header.metadata[text]):
        raise ValueError(_BROKEN)


def check_arrays(header: Header, arrays: Mapping[str, np.ndarray], text: str) -> None:
    """`check_seal` for what `read_arrays` read."""
    rows = ((name, FLOAT32, header.entries[name].shape, arrays[name]) for name in sorted(arrays))
    said = header.metadata.get(SEAL)
    if said is not None and said != _checksum(rows, header.metadata[text]):
        raise ValueError(_BROKEN)


def read_header(file: BinaryIO) -> Header:
    """Raises ValueError unless the file is a well-formed safetensors file of its stated size."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(_exactly(file, 8), "little")
    if length > HEADER_MOST:
        raise ValueError(f"its header would have {length} bytes, at most {HEADER_MOST} are read")
    header = parse_json(_exactly(file, length).decode("utf-8"))
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not _is_text_to_text(metadata):
        raise ValueError("its metadata is not text")
    start = 8 + length
    entries = {name: _entry(name, about) for name, about in header.items()}
    end = 0
    for entry in sorted(entries.values(), key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != end:
            raise ValueError("its tensors overlap, or leave holes")
        end = entry.end
    if start + end != size:
        more = size - start - end
        raise ValueError(_CUT if more < 0 else f"it has {more} bytes too many behind its tensors")
    return Header(metadata, entries, start)


def read_tensors(file: BinaryIO, header: Header) -> dict[str, Tensor]:
    """Every tensor that the header states, in memory of its own. Raises ValueError, OSError."""
    import torch

    tensors = {}
    for name, entry, data in _read(file, header):
        dtype = getattr(torch, entry.dtype.name)
        flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0)
        tensors[name] = flat.to(dtype).reshape(entry.shape)
    return tensors


def read_arrays(file: BinaryIO, header: Header) -> dict[str, np.ndarray] | None:
    """The same without torch, which takes seconds to import: flat, and in float32 files only.

    None for others.
    """
    if any(entry.dtype != FLOAT32 for entry in header.entries.values()):
        return None
    return {name: np.frombuffer(data, "<f4") for name, _, data in _read(file, header)}


def _read(file: BinaryIO, header: Header) -> Iterable[tuple[str, Entry, bytearray]]:
    for name, entry in sorted(header.entries.items(), key=lambda item: item[1].begin):
        data = bytearray(entry.end - entry.begin)
        file.seek(header.start + entry.begin)
        if file.readinto(data) != len(data):  # type: ignore[attr-defined]
            raise ValueError(_CUT)
        yield name, entry, data


def parse_json(text: str) -> Any:
    """The JSON in `text`. Raises ValueError, also for what is nested deeper than Python can follow
    and for numbers that no field holds."""
    try:
        return json.loads(text, parse_int=_integer)
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"it holds a number of {len(digits)} digits")
    return int(digits)


def _entry(name: str, about: Any) -> Entry:
    try:
        dtype, shape, (begin, end) = about["dtype"], about["shape"], about["data_offsets"]
        if not isinstance(dtype, str):
            raise ValueError
        if not isinstance(shape, list) or len(shape) > _MOST_DIMENSIONS:
            raise ValueError
        if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"its header does not describe {name[:80]!r}") from None
    if dtype not in _KINDS:
        raise ValueError(f"{name[:80]!r} is of type {dtype!r:.20}, which no file of FaceA holds")
    if end - begin != math.prod(shape) * _KINDS[dtype].itemsize:
        raise ValueError(f"{name[:80]!r} has another size than its shape {shape}")
    return Entry(_KINDS[dtype], tuple(shape), begin, end)


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise ValueError(_CUT)
    return data


def _is_text_to_text(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _canonical(data: bytes) -> bytes:
    """The same file with its header sorted; safetensors writes metadata in random order."""
    length = int.from_bytes(data[:8], "little")
    text = json.dumps(json.loads(data[8 : 8 + length]), sort_keys=True, separators=(",", ":"))
    header = text.encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]
