"""What a set says of itself: README.md for people and Hugging Face, dataset.json for programs."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..io.files import atomic_path
from ..version import __version__
from .formats.names import FORMATS
from .loading import LOADING
from .manifest import TABLE
from .values import Picture

CARD, SUMMARY = "README.md", "dataset.json"

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))

# Licences that Hugging Face knows by these names; any other is called "other" there.
_KNOWN = re.compile(
    r"apache-2\.0|mit|cc0-1\.0|cc-by(-nc)?(-sa|-nd)?-[234]\.0|odc-by|pddl|unlicense|openrail(\+\+)?"
)


def write_summary(folder: str | Path, summary: Mapping[str, Any]) -> None:
    """Writes dataset.json: the summary with sorted keys, null for what is no finite number.

    The same summary gives the same bytes. Raises AssetError if it cannot be written.
    """
    text = json.dumps(_plain(summary), indent=2, sort_keys=True, ensure_ascii=False)
    with atomic_path(Path(folder) / SUMMARY) as temporary:
        temporary.write_bytes((text + "\n").encode("utf-8", "backslashreplace"))


def write_card(folder: str | Path, pictures: Sequence[Picture], summary: Mapping[str, Any]) -> None:
    """Writes README.md about the set in `folder`, with the formats that are written there.

    Of `summary` it says, where they are there: `title`; `thresholds`, each a number or
    `{"value", "source"}`, the source being where it came from; `measures`, numbers by name;
    `incomplete`, why somebody has too few pictures, and `alike`, whom somebody is like, by name.
    All else of it is for dataset.json.
    Raises ConfigError for no pictures, AssetError if it cannot be written.
    """
    if not pictures:
        raise ConfigError("there are no pictures to describe; sample some first")
    written = [name for name in FORMATS if name == "folder" or (Path(folder) / name).is_dir()]
    title = str(summary.get("title") or "Pictures of people, painted by FaceA")
    table = (Path(folder) / TABLE).is_file()
    parts = [
        _head(pictures, title, written),
        f"# {_line(title)}",
        *_about(pictures),
        *_grid(pictures),
        *_figures(summary),
        *_people(summary, "alike", "People who are alike", "like"),
        *_people(summary, "incomplete", "Incomplete people", "why"),
        "## Loading",
        "`manifest.jsonl` lists every picture with all that is known of it"
        + (", `manifest.parquet` is the same as a table." if table else "."),
        *(LOADING[name].strip() for name in written),
        *_limits(),
    ]
    with atomic_path(Path(folder) / CARD) as temporary:
        text = "\n\n".join(parts) + "\n"
        temporary.write_bytes(text.encode())


def _head(pictures: Sequence[Picture], title: str, written: Sequence[str]) -> str:
    """YAML between lines of ---; texts are written as JSON, which YAML reads."""
    count = len(pictures)
    size = next((name for most, name in _SIZES if count < most), "1M<n<10M")
    licences = sorted({picture.licence for picture in pictures if picture.licence})
    lines = [f"pretty_name: {_yaml(title)}", *_licence(licences)]
    lines += ["tags:", "- synthetic", "- faces", "- facea", "size_categories:", f"- {size}"]
    lines += ["configs:", "- config_name: default"]
    if "parquet" in written:
        lines += ["  data_files:"]
        for split in dict.fromkeys(picture.split for picture in pictures):
            path = f"parquet/data/{split}-*.parquet"
            lines += [f"  - split: {_yaml(split)}", f"    path: {_yaml(path)}"]
    else:
        lines += ["  data_dir: images"]
    return "\n".join(["---", *lines, "---"])


def _licence(licences: Sequence[str]) -> list[str]:
    if not licences:
        return ["license: unknown"]
    if len(licences) == 1 and _KNOWN.fullmatch(licences[0].lower()):
        return [f"license: {licences[0].lower()}"]
    return ["license: other", f"license_name: {_yaml('; '.join(licences))}"]


def _about(pictures: Sequence[Picture]) -> list[str]:
    people = Counter(picture.identity for picture in pictures)
    most, least = max(people.values()), min(people.values())
    each = f"{most} of each" if most == least else f"{least} to {most} of each"
    models = sorted({picture.model for picture in pictures if picture.model})
    versions = sorted({picture.version for picture in pictures if picture.version})
    painter = f"FaceA {_line(', '.join(versions) or __version__)}"
    made = (
        f"These pictures are synthetic: {painter} painted the faces"
        + (f" with {_line(', '.join(models))}" if models else "")
        + ". None is a photograph, and each says so in its metadata (IPTC digital source type)."
    )
    rows = []
    for name in dict.fromkeys(picture.identity for picture in pictures):
        own = [picture for picture in pictures if picture.identity == name]
        consent = _unique(picture.consent for picture in own) or "not stated"
        licence = _unique(picture.licence for picture in own) or "not stated"
        rows.append((name, len(own), consent, licence))
    return [
        made,
        f"{len(pictures)} pictures of {len(people)} {'people' if len(people) > 1 else 'person'}, "
        f"{each}:",
        _table(("person", "pictures", "consent", "licence"), rows),
    ]


def _grid(pictures: Sequence[Picture]) -> list[str]:
    """How often each level was asked for, and how often it was read in those pictures."""
    rows = []
    for axis in sorted({axis for picture in pictures for axis in picture.asked}):
        asked = Counter(p.asked[axis] for p in pictures if axis in p.asked)
        for level, count in sorted(asked.items()):
            own = [p for p in pictures if p.asked.get(axis) == level and axis in p.read]
            right = sum(p.read[axis] == level for p in own)
            rows.append((axis, level, count, f"{right} of {len(own)}" if own else "not read"))
    if not rows:
        return []
    return [
        "## What was asked for",
        "The last column counts pictures in which the same was read afterwards.",
        _table(("axis", "level", "pictures", "read so"), rows),
    ]


def _figures(summary: Mapping[str, Any]) -> list[str]:
    parts = []
    rows = []
    for name, limit in sorted(dict(summary.get("thresholds") or {}).items()):
        known = limit if isinstance(limit, Mapping) else {"value": limit}
        rows.append((name, _number(known.get("value")), known.get("source") or "not stated"))
    if rows:
        parts += ["## Thresholds", _table(("threshold", "value", "where it comes from"), rows)]
    rows = [(k, _number(v)) for k, v in sorted(dict(summary.get("measures") or {}).items())]
    if rows:
        parts += ["## Measures", _table(("measure", "value"), rows)]
    return parts


def _people(summary: Mapping[str, Any], key: str, title: str, said: str) -> list[str]:
    rows = [
        (name, what if isinstance(what, str) else "; ".join(map(str, what)))
        for name, what in sorted(dict(summary.get(key) or {}).items())
    ]
    if not rows:
        return []
    return [f"## {title}", _table(("person", said), rows)]


def _limits() -> list[str]:
    return [
        "## What it must not be used for",
        "Do not use these pictures to identify people, or to train something that will identify "
        "them, unless these very people consented to that. Do not show them as photographs, and do "
        "not use them to deceive anybody about what a person did, said or looks like. Whoever is "
        "shown here may ask for their pictures to be taken out.",
        "The faces are as like as the model and the embedder say, which is a measure and no proof. "
        "What the model paints badly or with a bias is in here as well.",
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_line(cell) for cell in row) + " |" for row in lines)


def _line(value: Any) -> str:
    """Text for one line of Markdown, in which it means nothing but itself."""
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", _one_line(value))


def _yaml(text: str) -> str:
    """Text as YAML: quoted as JSON does, with no character that YAML does not take."""
    return json.dumps(_one_line(text), ensure_ascii=False)


def _one_line(value: Any) -> str:
    text = " ".join(str(value).split())
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _unique(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _plain(value: Any) -> Any:
    """The value in JSON's types."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
