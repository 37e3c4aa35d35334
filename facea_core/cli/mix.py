"""`facea mix`: learned people blended into one identity file."""

from __future__ import annotations

from collections.abc import Sequence

from .flags import parse
from .forms import Mix


def run(arguments: Sequence[str]) -> None:
    flags, _ = parse("facea mix", Mix, arguments)
    from ..errors import ConfigError
    from ..identity import load_identity, mix_people, save_identity
    from .talk import require_outputs, say

    require_outputs(flags.out)
    people = [load_identity(path) for path in flags.people]
    mixed = mix_people(people, flags.how, flags.name)
    if mixed.parts:
        raise ConfigError(
            "a mix by parts is painted, not saved: give --how to `facea compose` as --mix, and the "
            "people as --identity and --others; for a file give shares: ada: 0.5, ben: 0.5"
        )
    saved = save_identity(mixed, flags.out)
    say(f"{flags.out}: {mixed.name}, a blend of {', '.join(mixed.meta.mixed_from)}; {saved}")
