"""`facea`: the command line of the core. A command is a module, imported when it is called."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

from ..errors import FaceAError, quoted
from ..settings import nearest
from ..version import __version__
from .spelling import spelt

COMMANDS = {
    "demo": "paint a person from three painted photos into another picture, with scores",
    "detect": "find faces and their parts in photos",
    "audit": "say which photos are good enough to learn a person from, and why not",
    "train": "learn a person from a few photos",
    "train-all": "learn everybody of whom there is a folder of photos",
    "mix": "blend learned people into somebody new",
    "slider": "learn to add and take away an attribute, from prompts alone",
    "compose": "paint a learned person into a picture",
    "edit": "change one attribute of a face by words, the person kept",
    "restore": "repair damaged photos as the people in them",
    "portrait": "paint people into templates, the best results first",
    "dataset": "make a set of many different pictures of each of some people",
    "new-people": "make people whom nobody is, blended of learned ones",
    "template": "add pictures to a folder of templates, or say which are fit",
    "crop": "cut the square around a face, with its mask, for any other program",
    "paste": "put a repainted crop back, with no trace outside its mask",
    "hints": "draw ControlNet hints of faces: keypoints, outlines, edges",
    "evaluate": "compare generated pictures with photos of the person",
    "info": "say what an identity file holds",
    "doctor": "say what is missing here, or in the way, and what to do about it",
}

MOVED = {"benchmark": "python -m benchmarks.likeness", "bench": "python -m benchmarks.speed"}
"""Commands of earlier versions, and what runs them in a checkout of the repository."""

STOPPED = 130
"""Exit status after Ctrl-C or SIGTERM, as shells know it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status.

    0 = done, 1 = a FaceAError (one line on stderr), 2 = wrong usage, 130 = stopped.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    name = arguments.pop(0) if arguments else "--help"
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name == "--version":
        print(f"facea {__version__}")
        return 0
    if name in MOVED:
        complain(f"facea {name} is `{MOVED[name]}` now, to be run in a checkout of the repository")
        return 2
    if name not in COMMANDS:
        near = nearest(name, COMMANDS)
        complain(f"facea: there is no command {quoted(name)}; the nearest is {near!r}")
        return 2
    module = f".{name.replace('-', '_')}"
    return guarded(f"facea {name}", lambda: import_module(module, __name__).run(arguments))


def guarded(program: str, work: Callable[[], None]) -> int:
    """Runs `work` and returns the exit status; what went wrong is one line on stderr, no trace."""
    try:
        with terminable():
            work()
    except FaceAError as error:
        complain(f"{program}: {error}")
        return 1
    except KeyboardInterrupt as stop:
        complain(f"{program}: {str(stop) or 'stopped'}")
        return STOPPED
    except BrokenPipeError:
        # The reader of our stdout went away; without this, Python complains once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def usage() -> str:
    rows = "\n".join(f"  {name:<12}{text}" for name, text in COMMANDS.items())
    return (
        "usage: facea COMMAND ...\n\n"
        "Personalise an inpainting diffusion model on three photos of one person.\n\n"
        f"{rows}\n\n"
        "`facea COMMAND --help` lists the flags of a command; `facea --version` the version."
    )


def complain(text: str) -> None:
    """One line on stderr."""
    print(spelt(" ".join(text.split()), sys.stderr), file=sys.stderr)


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM stops a command as Ctrl-C does: work is saved and temporary files are removed."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:
        # Only the main thread may set handlers; other threads keep theirs.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
