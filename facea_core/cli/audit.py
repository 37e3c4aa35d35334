"""`facea audit`: which photos are good enough to learn a person from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from ..audit.config import AuditConfig
from ..detection.config import DetectConfig
from .flags import parse
from .forms import AuditCommand

LIMITS = tuple(spec.name for spec in fields(AuditConfig) if spec.name != "policy")
"""What only this command lets people change: others take the limits as they are."""

# Without these every photo gets its verdict, whatever is missing in it.
_NOT_HERE = ("on_missing", "part_grow", "part_feather", "faces")


def run(arguments: Sequence[str]) -> None:
    flags, configs = parse(
        "facea audit",
        AuditCommand,
        arguments,
        without=_NOT_HERE,
        detection=DetectConfig(),
        audit=AuditConfig(),
    )
    from .work.audit import audit_files

    audit_files(flags, configs["detection"], configs["audit"])
