"""Ways to change a safetensors file whose metadata hold JSON, each by a random generator."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from facea_core.io.tensor_files import SEAL, checksum

PAGE = 4096
DEEP, LONG = "@deep@", "@long@"
"""Stand for JSON that `json.dumps` cannot write: deep nesting, and a number of many digits."""

ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 1.5, 10**18, 2**64, 10**30, float("nan"), float("inf"), 1e308,
    "", " ", "x", "²", "٣", "①", "0", "-1", "1e5", "\ud800", "\u202e", "\x00", "nul", "-rank",
    "../../x", "/tmp/x", "..", "ada/eyes", "eve/eyes", "embedding:ada/eyes", "{words:>999999999}",
    "a" * 65, "x" * 20_000, [], {}, [[]], [1], ["x"], {"a": []}, {"": ""}, DEEP, LONG,
    {"deep": DEEP}, [LONG],
)  # fmt: skip
DTYPES = ("F64", "F32", "F16", "BF16", "F8_E4M3", "I64", "I32", "U8", "BOOL", "C64", "X", "")


@dataclass(frozen=True)
class Source:
    """A good file, and the metadata's key of its JSON text."""

    data: bytes
    text: str

    @property
    def start(self) -> int:
        return 8 + int.from_bytes(self.data[:8], "little")

    @property
    def body(self) -> bytes:
        return self.data[self.start :]

    def header(self) -> dict[str, Any]:
        """A copy of its own for each caller."""
        return json.loads(self.data[8 : self.start])

    def about(self) -> Any:
        return json.loads(self.header()["__metadata__"][self.text])


def odd(random: Random) -> Any:
    """A value that is hardly ever right where it is put, and nobody else's."""
    return copy.deepcopy(random.choice(ODD))


Change = Callable[[Random, Source], bytes]
"""The data of a changed file."""


def dumps(value: Any, random: Random) -> str:
    text = json.dumps(value)
    depth = random.choice((40, 900, 2000, 100_000))
    opened, closed = random.choice((("[", "]"), ('{"a":', "}")))
    text = text.replace(f'"{DEEP}"', f"{opened * depth}1{closed * depth}")
    return text.replace(f'"{LONG}"', "9" * random.choice((20, 25, 4301, 100_000)))


def join(header: Mapping[str, Any], body: bytes, random: Random) -> bytes:
    text = dumps(header, random).encode()
    text += b" " * random.choice((-len(text) % 8, -len(text) % 8, 0, 3))
    return packed(text, body)


def packed(header: bytes, body: bytes) -> bytes:
    """A file of this header, without regard to what it says."""
    return len(header).to_bytes(8, "little") + header + body


def with_about(random: Random, source: Source, about: Any, seal: str = "kept") -> bytes:
    """The file with another JSON text, its checksum kept, dropped or renewed."""
    text = about if isinstance(about, str) else dumps(about, random)
    return sealed_again({**source.header()["__metadata__"], source.text: text}, source, seal)


def sealed_again(metadata: dict[str, str], source: Source, seal: str) -> bytes:
    from safetensors.torch import load

    if seal == "dropped":
        metadata.pop(SEAL, None)
    elif seal == "renewed":
        metadata[SEAL] = checksum(load(source.data), metadata[source.text])
    header = {**source.header(), "__metadata__": metadata}
    return packed(json.dumps(header).encode(), source.body)


def flip_in(low: Callable[[Source], int], high: Callable[[Source], int]) -> Change:
    def change(random: Random, source: Source) -> bytes:
        data = bytearray(source.data)
        for _ in range(random.choice((1, 1, 1, 2, 8))):
            data[random.randrange(low(source), high(source))] ^= 1 << random.randrange(8)
        return bytes(data)

    return change


def cut_off(random: Random, source: Source) -> bytes:
    return source.data[: random.randrange(len(source.data))]


def appended(random: Random, source: Source) -> bytes:
    return source.data + random.randbytes(random.randrange(1, 99))


def page_of_zeros(random: Random, source: Source) -> bytes:
    at = random.randrange(len(source.data))
    return source.data[:at] + bytes(min(PAGE, len(source.data) - at)) + source.data[at + PAGE :]


def block_moved(random: Random, source: Source) -> bytes:
    """A piece of the data lies where another was."""
    body, size = bytearray(source.body), random.choice((4, 64, PAGE))
    to, of = (random.randrange(max(len(body) - size, 1)) for _ in range(2))
    body[to : to + size] = body[of : of + size]
    return source.data[: source.start] + bytes(body[: len(source.body)])


def other_length(random: Random, source: Source) -> bytes:
    length = random.choice((0, 1, source.start, 2**20, 2**20 + 1, 2**31, 2**63, 2**64 - 1))
    return length.to_bytes(8, "little") + source.data[8:]


def entry_changed(random: Random, source: Source) -> bytes:
    """Type, shape, place or name of a tensor as the header states it."""
    header = source.header()
    names = [name for name in header if name != "__metadata__"]
    name = random.choice(names)
    entry = header[name]
    kind = random.randrange(6)
    if kind == 0:
        entry["dtype"] = random.choice((*DTYPES, 5, None, []))
    elif kind == 1:
        shape = list(entry["shape"])
        place = random.randrange(len(shape) + 1)
        shape[place : place + random.randrange(2)] = [random.choice((0, 1, 2, -1, 2**40, "3", 1.0))]
        entry["shape"] = shape
    elif kind == 2:
        entry["data_offsets"] = [
            random.choice((number, 0, number + 4, -number, 2**40, "0")) for number in (0, 4)
        ]
    elif kind == 3:
        header[random.choice(("", "x", name + "x", "lora_unet_x.alpha", "é"))] = header.pop(name)
    elif kind == 4:
        del header[name]
    else:
        header[name] = odd(random)
    return join(header, source.body, random)


def entries_swapped(random: Random, source: Source) -> bytes:
    """Two tensors of one shape change places: everything fits, and nothing is right."""
    header = source.header()
    names = [name for name in header if name != "__metadata__"]
    one = random.choice(names)
    alike = [n for n in names if n != one and header[n]["shape"] == header[one]["shape"]]
    other = random.choice(alike or names)
    header[one], header[other] = header[other], header[one]
    return join(header, source.body, random)


def reshaped(random: Random, source: Source) -> bytes:
    """A shape of the same size: turned, flat, or with ones."""
    header = source.header()
    name = random.choice([name for name in header if name != "__metadata__"])
    shape = header[name]["shape"]
    flat = 1
    for side in shape:
        flat *= side
    choices = (shape[::-1], [flat], [*shape, 1], [1, *shape], [flat, 1], [1] * 9 + shape)
    header[name]["shape"] = random.choice(choices)
    return join(header, source.body, random)


def metadata_changed(random: Random, source: Source) -> bytes:
    header = source.header()
    metadata = header["__metadata__"]
    kind, key = random.randrange(4), random.choice(list(metadata))
    if kind == 0:
        metadata[key] = odd(random)
    elif kind == 1:
        del metadata[key]
    elif kind == 2:
        header["__metadata__"] = odd(random)
    else:
        metadata[random.choice(("zz", "facea.more", ""))] = "z" * random.choice((1, 1 << 21))
    return join(header, source.body, random)


def header_is_other_json(random: Random, source: Source) -> bytes:
    text = random.choice(
        (b"[]", b"null", b"{}", b"{", b"", b"1", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000)
    )
    return packed(text, source.body)


def text_is_other_json(random: Random, source: Source) -> bytes:
    deep = random.choice((500, 1000, 5000, 100_000))
    texts = (
        "", "null", "[]", "{}", "1", '"x"', "[" * deep, "[" * deep + "]" * deep, '{"a":' * deep,
        '{"a":' * deep + "1" + "}" * deep, "9" * 5000, '{"step": ' + "9" * 5000 + "}", "\ud800",
        '{"words": 3}', "NaN", "[" + "[]," * 100_000 + "[]]",
    )  # fmt: skip
    return with_about(random, source, random.choice(texts), random.choice(("kept", "renewed")))


def about_changed(random: Random, source: Source, seal: str = "kept") -> bytes:
    """One or two values somewhere in the JSON text are others, gone, or under another key."""
    about = source.about()
    for _ in range(random.choice((1, 1, 2))):
        _change_somewhere(random, about)
    return with_about(random, source, about, seal)


def _change_somewhere(random: Random, tree: Any) -> None:
    at = tree
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return
        key = random.choice(keys)
        if isinstance(at[key], dict | list) and at[key] and random.random() < 0.75:
            at = at[key]
            continue
        kind = random.randrange(4)
        if kind == 0:
            del at[key]
        elif kind == 1 and isinstance(at, dict):
            at[random.choice(("", "x", f"{key}x"))] = at.pop(key)
        else:
            at[key] = odd(random)
        return


def unchanged(random: Random, source: Source) -> bytes:
    return source.data


CONTAINER: dict[str, Change] = {
    "bit in the data": flip_in(lambda s: s.start, lambda s: len(s.data)),
    "bit in the header": flip_in(lambda s: 8, lambda s: s.start),
    "bit in the length": flip_in(lambda s: 0, lambda s: 8),
    "cut off": cut_off,
    "appended": appended,
    "page of zeros": page_of_zeros,
    "block moved": block_moved,
    "other length": other_length,
    "entry changed": entry_changed,
    "entries swapped": entries_swapped,
    "reshaped": reshaped,
    "metadata changed": metadata_changed,
    "header is other JSON": header_is_other_json,
    "text is other JSON": text_is_other_json,
    "text changed": about_changed,
    "text changed, sealed anew": lambda r, s: about_changed(r, s, "renewed"),
    "nothing changed": unchanged,
}
"""Those of any file of this kind, by name."""
