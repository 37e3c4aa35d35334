"""States of runs, written while the training continues, or after it was stopped.

A state of SD 1.5 has hundreds of megabytes: who stops a run shall not wait for the disk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread

from ..errors import AssetError
from ..io.files import atomic_path

_LOG = logging.getLogger(__name__)
_WORK: list[Writing] = []
_LOCK = Lock()


class Writing:
    """A file under way: `data()` is asked for in a thread of its own, then written whole.

    The program does not end before it is done, nor does this begin before `after` is done. The file
    is complete, or the older one stays.
    """

    def __init__(self, path: Path, data: Callable[[], bytes], after: Writing | None = None) -> None:
        self.path, self.data, self.after = path, data, after
        self.error: AssetError | None = None
        # A host's worker may be a daemon, and those are killed when the program ends.
        self.thread = Thread(target=self._write, name=f"writes {path.name}", daemon=False)
        with _LOCK:
            self.thread.start()  # raises where there are too many; then nobody waits for it
            _WORK.append(self)

    def _write(self) -> None:
        after, self.after = self.after, None
        if after is not None:
            after.thread.join()
        try:
            with atomic_path(self.path) as temporary:
                temporary.write_bytes(self.data())
        except Exception as error:  # no memory for the bytes is told as a full disk is
            told = error if isinstance(error, AssetError) else None
            self.error = told or AssetError(f"cannot write {self.path} ({error!r})")
            _LOG.warning("FaceA: %s", self.error)
        finally:
            with _LOCK:
                _WORK.remove(self)

    def wait(self) -> None:
        """Until the file is there. Raises `AssetError` if it could not be written."""
        self.thread.join()
        if self.error is not None:
            raise self.error


def settle() -> None:
    """Wait until whatever is being written is: before a state is looked for, or removed."""
    with _LOCK:
        work = list(_WORK)
    for writing in work:
        writing.thread.join()
