"""Photos in an audit that nobody could read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..attributes import Attribute
from .audit import of_the_set
from .config import AuditConfig
from .values import RED, Audit, Finding, Measures, PhotoAudit


def with_unreadable(
    audit: Audit,
    problems: Mapping[int, tuple[str, str]],
    table: Sequence[Attribute],
    config: AuditConfig,
) -> Audit:
    """The audit with more photos, red for their problem: number among all -> (name, problem).

    `audit` is of the photos that could be read, in their order, made with `table` and `config`.
    """
    count = len(audit.photos) + len(problems)
    readable = [i for i in range(count) if i not in problems]
    photos = {
        i: PhotoAudit(name, (Finding("unreadable", RED, problem),), Measures())
        for i, (name, problem) in problems.items()
    }
    for i, photo in zip(readable, audit.photos, strict=True):
        twin = photo.measures.twin
        moved = None if twin is None else readable[twin]
        photos[i] = replace(photo, measures=replace(photo.measures, twin=moved))
    everyone = tuple(photos[i] for i in range(count))
    found = of_the_set(everyone, table, audit.yaw_spread, config)
    return replace(audit, photos=everyone, findings=tuple(found))
