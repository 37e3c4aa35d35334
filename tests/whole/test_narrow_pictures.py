"""Pictures of 20,000 x 20 pixels go all the way in the memory that others need."""

from .test_limits import needs_limits, under_limit


@needs_limits
def test_a_long_and_narrow_picture_takes_no_more_than_others():
    """The square around 20,000 x 20 pixels alone would be 4.8 GB."""
    script = """
import torch
from facea_core.attributes import attribute_table
from facea_core.audit import audit_photos, crop_photos
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_chosen
from facea_core.detection.painted import TinyDetector
from facea_core.types import Box, FaceAttributes
for size in ((20, 20_000), (20_000, 20)):
    image = torch.rand(1, 3, *size)
    detect_chosen([image], TinyDetector(), DetectConfig(on_missing="pass"))
    whole = FaceAttributes(size, Box(0, 0, size[1], size[0]), 0.9)
    audit_photos([image], [(whole,)], attribute_table("male"))
    crop_photos([image], [(whole,)], 64)
"""
    run = under_limit(script, 2.5)
    assert run.returncode == 0, run.stderr[-2000:]
