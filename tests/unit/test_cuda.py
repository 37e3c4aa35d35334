"""What only a GPU can show."""

import pytest
import torch

from facea_core.backbone import Backbone, load_backbone
from facea_core.benchmark.models import painted_photos
from facea_core.training import TrainConfig, train_identity
from facea_core.types import StepReport

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@pytest.fixture(scope="module")
def on_cuda() -> Backbone:
    return load_backbone("tiny", "cuda")


@pytest.mark.parametrize(
    "options",
    [{}, {"words_rate": 0.0}, {"lora_rate": 0.0}, {"local_ratio": 0.5}, {"outside_penalty": 0.1}],
)
def test_a_step_becomes_a_graph(on_cuda: Backbone, options: dict):
    reports: list[StepReport] = []
    config = TrainConfig.from_preset("tiny", steps=20, **options)
    train_identity(
        painted_photos(3, 128), on_cuda, config, name="person", class_noun="man",
        on_step=reports.append,
    )  # fmt: skip
    assert reports[-1].mode == "captured"
