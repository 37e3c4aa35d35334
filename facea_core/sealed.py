"""FaceA's own safetensors files: sealed by a checksum, and read as if a stranger had written them.

Nothing is mapped into memory, for a file that another program writes over would then end the whole
process. The header is judged before any tensor is read, and of the tensors no more than it states.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch
from safetensors.torch import save
from torch import Tensor

HEADER_MOST = 1 << 20
"""Bytes of the longest header that is read; the largest identity's has less than half of it."""

SEAL = "facea.sha256"
"""The metadata's key of the checksum."""

_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip
_MOST_DIMENSIONS = 8
_MOST_DIGITS = 20
_CUT = "the file was cut off"


@dataclass(frozen=True)
class Entry:
    """A tensor as the header states it; `begin` and `end` count bytes behind the header."""

    dtype: torch.dtype
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
    seal = checksum(tensors, metadata[text])
    return _canonical(save(dict(tensors), {**metadata, SEAL: seal}))


def checksum(tensors: Mapping[str, Tensor], text: str) -> str:
    """SHA-256 over names, types, shapes and values, in whatever order they lie, and a text."""
    lines = [text]
    for name in sorted(tensors):
        tensor = tensors[name]
        data = tensor.detach().contiguous().flatten().view(torch.uint8).numpy().data
        digest = hashlib.sha256(data).hexdigest()
        lines.append(f"{name} {tensor.dtype} {list(tensor.shape)} {digest}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def check_seal(header: Header, tensors: Mapping[str, Tensor], text: str) -> None:
    """Raise ValueError unless tensors and text are those that were sealed.

    A file without a checksum, as earlier versions wrote them, passes.
    """
    said = header.metadata.get(SEAL)
    if said is not None and said != checksum(tensors, header.metadata[text]):
        raise ValueError("its checksum does not hold: something in it was changed")


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
    tensors = {}
    for name, entry in sorted(header.entries.items(), key=lambda item: item[1].begin):
        data = bytearray(entry.end - entry.begin)
        file.seek(header.start + entry.begin)
        if file.readinto(data) != len(data):  # type: ignore[attr-defined]
            raise ValueError(_CUT)
        flat = torch.frombuffer(data, dtype=entry.dtype) if data else torch.empty(0)
        tensors[name] = flat.to(entry.dtype).reshape(entry.shape)
    return tensors


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
    if dtype not in _DTYPES:
        raise ValueError(f"{name[:80]!r} is of type {dtype!r:.20}, which no file of FaceA holds")
    if end - begin != math.prod(shape) * _DTYPES[dtype].itemsize:
        raise ValueError(f"{name[:80]!r} has another size than its shape {shape}")
    return Entry(_DTYPES[dtype], tuple(shape), begin, end)


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
