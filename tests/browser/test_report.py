"""The benchmark's page in a browser: every picture is there, and the figures are those measured."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.likeness.metrics import Judge
from benchmarks.likeness.run import Benchmark, BenchmarkConfig, preset_of
from benchmarks.likeness.subjects import painted_subject
from facea_core.backbone import load_backbone
from facea_core.composing import ComposeConfig
from facea_core.detection.load import load_detector
from facea_core.evaluation import TinyEmbedder
from facea_core.evaluation.identity_encoder import load_attribute_probe

from .frontend import Frontend
from .report import show


def test_the_page_of_a_benchmark_shows_all_of_it(frontend: Frontend, tmp_path: Path):
    config, detector = BenchmarkConfig(people=2, scenes=2, arms="paste"), load_detector("tiny")
    backbone = load_backbone("tiny")
    runner = Benchmark(
        tmp_path, config, backbone,
        lambda index: painted_subject(index, config.scenes, 128, detector),
        Judge(TinyEmbedder(), load_attribute_probe()), detector,
        replace(preset_of(backbone), steps=1, variants=1), ComposeConfig(steps=2),
    )  # fmt: skip
    runner.run()
    (_, paste) = runner.report()
    browser = frontend.page.context.browser
    assert browser is not None
    page = browser.new_page()
    # Of each person three photos, and of each scene what was given and both arms.
    assert show(page, tmp_path) == 2 * (3 + 2 * (2 + 2))
    shown = page.locator("body").inner_text()
    assert f"{paste.measures['heldout'].mean:.3f}" in shown
    next((tmp_path / "pictures" / "paste").glob("*.png")).unlink()
    with pytest.raises(RuntimeError, match="paste"):
        show(page, tmp_path)
    page.close()
