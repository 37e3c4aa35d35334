"""Modules without memory, built once."""

import pytest

from ..hollow import built_once


@pytest.fixture(scope="module", autouse=True)
def _built_once():
    with built_once():
        yield
