"""Every module of facea_core imported in a new interpreter: no connection, no output."""

import subprocess
import sys

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise RuntimeError(f"{event} {arguments} during an import")

sys.addaudithook(refuse)
import facea_core
assert "torch" not in sys.modules, "import facea_core imports torch"
for module in pkgutil.walk_packages(facea_core.__path__, "facea_core."):
    importlib.import_module(module.name)
"""


def test_importing_every_module_opens_no_connection_and_prints_nothing():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
