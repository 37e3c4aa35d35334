"""`facea doctor`: whether all that FaceA needs is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import FaceAError
from .flags import Form, flag, parse


@dataclass(frozen=True)
class Doctor(Form):
    """Look at packages, device, models, detectors and folders, and say what to do about each."""

    json: Path | None = flag(
        None,
        "also write the report there, for a bug report; - = to stdout and nothing else",
        "FILE",
    )


def run(arguments: Sequence[str]) -> None:
    flags, _ = parse("facea doctor", Doctor, arguments)
    from ..doctor.checks import examine
    from ..doctor.values import doctor_json, doctor_summary, doctor_table, is_healthy
    from .talk import hand_over, require_outputs, say

    require_outputs(flags.json)
    lines = examine()
    if str(flags.json) != "-":
        say(doctor_table(lines))
        say(doctor_summary(lines))
    hand_over(doctor_json(lines), flags.json)
    if not is_healthy(lines):
        raise FaceAError(f"{doctor_summary(lines)}: see the lines that begin with problem")
