"""An engine by its name."""

from __future__ import annotations

from ..errors import ConfigError, quoted
from ..settings import check_installed, check_number, check_text
from .base import Engine
from .names import ENGINES
from .serial import Serial


def open_engine(name: str, workers: int = 0, address: str = "", gpus: float = 1.0) -> Engine:
    """The engine of that name; nothing is started until its `map` is iterated.

    `workers` is how many units are worked on at once; 0 = one for each GPU, else one for each core.
    `address` is that of a Ray cluster that runs ("auto": the one of this machine); "" = one of our
    own. `gpus` is the share of a GPU that each worker of Ray holds, where there are any. Raises
    `ConfigError` for a value that is none, and `MissingDependencyError` where Ray is not installed.
    """
    check_engine(name, workers, address, gpus)
    if name == "serial":
        return Serial()
    if name == "processes":
        from .processes import Processes

        return Processes(workers)
    from .ray_actors import RayActors

    return RayActors(workers, address, gpus)


def check_engine(name: str, workers: int = 0, address: str = "", gpus: float = 1.0) -> None:
    """Raises `ConfigError` for what `open_engine` refuses."""
    check_installed("engine", name, ENGINES)
    check_number("workers", workers, 0, whole=True)
    check_number("gpus", gpus, 0)
    check_text("address", address)
    if address and name != "ray":
        raise ConfigError(
            f"address is {quoted(address)}, and engine {name} has none; give it with engine ray"
        )
    if name == "serial" and workers > 1:
        raise ConfigError(
            f"workers is {workers}, and engine serial works on one unit at a time; choose engine "
            "processes or ray"
        )
    if gpus > 1 and gpus != int(gpus):
        raise ConfigError(f"gpus is {gpus}; give a whole number, or a share up to 1")
