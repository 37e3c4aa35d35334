"""A picture in which every place differs."""

import numpy as np
import pytest


@pytest.fixture
def ramp():
    """RGB bytes (24, 32, 3) in which every channel and corner differs."""
    y, x = np.mgrid[:24, :32]
    return np.stack([x * 8, y * 10, (x + y) * 4], axis=-1).astype(np.uint8)
