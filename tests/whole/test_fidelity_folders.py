"""A folder of the bench belongs to its instruments and its people."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.likeness.metrics import Judge
from benchmarks.likeness.run import Benchmark, BenchmarkConfig, preset_of
from benchmarks.likeness.subjects import Scene, Subject, painted_subject
from facea_core.backbone import load_backbone
from facea_core.detection.load import load_detector
from facea_core.errors import ConfigError
from facea_core.evaluation import TinyEmbedder
from facea_core.evaluation.identity_encoder import load_attribute_probe


class Ruler:
    """Measures nothing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def measure(self, subject: Subject, scene: Scene, image: torch.Tensor) -> dict[str, float]:
        return {"dino": 1.0}


def test_a_folder_is_not_gone_on_with_by_other_instruments_or_people(
    tmp_path: Path,
):
    subject = painted_subject(3, 2, 128, load_detector("tiny"))
    judge = Judge(TinyEmbedder(), load_attribute_probe())

    def bench(judge: Judge = judge, subject: Subject = subject, detector: str = "tiny"):
        backbone = load_backbone("tiny")
        config = BenchmarkConfig(people=1, scenes=len(subject.scenes), arms="paste")
        Benchmark(
            tmp_path, config, backbone, lambda index: subject, judge, load_detector(detector),
            replace(preset_of(backbone), steps=1, variants=1),
        ).run()  # fmt: skip

    bench()
    bench()
    with pytest.raises(ConfigError, match="measured by: .*now .*vit 1.*use a new folder"):
        bench(replace(judge, more=(Ruler("vit 1"),)))
    with pytest.raises(ConfigError, match="detector: 'tiny', now 'auto"):
        bench(detector="auto")
    with pytest.raises(ConfigError, match="holds person-3 from other pictures"):
        bench(subject=replace(subject, made_of="elsewhere"))
