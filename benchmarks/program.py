"""What every `python -m benchmarks.NAME` does before torch is loaded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

from facea_core.cli import guarded
from facea_core.cli.flags import Form, parse


def start(
    package: str, form: type[Form], bench: Callable[..., None], /, **configs: Any
) -> NoReturn:
    """Calls `bench` with the form and the configs, as `parse` reads them; exits as `facea` does."""
    program = f"python -m {package}"

    def work() -> None:
        flags, said = parse(program, form, sys.argv[1:], **configs)
        bench(flags, **said)

    sys.exit(guarded(program, work))
