"""Every kind of mask."""

import pytest

from ..composing.people import box_mask
from .pictures import MASKS


@pytest.fixture(params=MASKS)
def mask(request):
    return box_mask(*MASKS[request.param])
