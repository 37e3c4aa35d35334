"""One page for all tests of the front end; without a browser they are skipped, and it is said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from ..host.install import NotReadyError, required
from ..host.server import Server
from .frontend import Frontend, open_frontend


@pytest.fixture(scope="session")
def frontend(host: Server) -> Iterator[Frontend]:
    # Whoever comes for the first time is shown the template browser, at no certain moment.
    seen = requests.post(f"{host.url}/settings/Comfy.TutorialCompleted", json=True, timeout=60)
    seen.raise_for_status()
    try:
        with open_frontend(host.url) as page:
            yield page
    except NotReadyError as reason:
        if required():
            pytest.fail(f"a browser is required: {reason}", pytrace=False)
        pytest.skip(f"NO COMFYUI: {reason}")
