"""Independent units of work, run in this process, in several, or on Ray."""

from .base import TRIES, Done, Engine, Start, Worker
from .choose import check_engine, open_engine
from .names import ENGINES

__all__ = ["ENGINES", "TRIES", "Done", "Engine", "Start", "Worker", "check_engine", "open_engine"]
