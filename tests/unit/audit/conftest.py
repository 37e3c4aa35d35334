"""One set of one person."""

import pytest

from facea_core.audit import (
    audit_embedder,
)

from .sets import painted


@pytest.fixture(scope="module")
def ada():
    return painted(3)


@pytest.fixture(scope="module")
def embedder():
    return audit_embedder("tiny", 128)
