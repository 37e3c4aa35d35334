"""`facea doctor`: whether all that FaceA needs is there."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import FaceAError
from .flags import parse
from .forms import Doctor


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
