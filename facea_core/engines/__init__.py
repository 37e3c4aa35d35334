"""Independent units of work, run in this process, in several, or on Ray."""

from .base import TRIES, Done, Engine, Start, Worker
from .choose import check_engine, open_engine
from .names import ENGINES
from .serial import Serial

__all__ = [
    "ENGINES",
    "TRIES",
    "Done",
    "Engine",
    "Serial",
    "Start",
    "Worker",
    "check_engine",
    "open_engine",
]
