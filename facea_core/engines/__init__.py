"""Independent units of work, run in this process, in several, or on Ray."""

from .base import TRIES, Done, Engine, Start, Worker
from .choose import open_engine
from .names import ENGINES

__all__ = ["ENGINES", "TRIES", "Done", "Engine", "Start", "Worker", "open_engine"]
