"""The ControlNet and the hint that the command line names."""

from pathlib import Path

import pytest
import torch

from facea_core.cli.work.compose import read_control
from facea_core.errors import ConfigError
from facea_core.io.images import save_image

from .flags.commands import composed


def test_one_without_the_other_is_refused(backbone):
    for given, lacking in (("--hint", "--control"), ("--control", "--hint")):
        flags, _ = composed(given, "x.png")
        with pytest.raises(ConfigError, match=f"{given} is of no use without {lacking}"):
            read_control(flags, backbone)


def test_both_are_read_with_their_numbers(backbone, tmp_path: Path):
    hint = torch.rand(1, 3, 40, 60).round()
    save_image(hint, tmp_path / "hint.png")
    flags, _ = composed(
        "--control", "tiny", "--hint", str(tmp_path / "hint.png"), "--control-strength", "0.8",
        "--control-end", "0.5",
    )  # fmt: skip
    (control,) = read_control(flags, backbone)
    assert torch.equal(control.hint, hint)
    assert (control.network.family, control.strength) == ("facea-tiny", 0.8)
    assert (control.start, control.end) == (0.0, 0.5)
    assert read_control(composed()[0], backbone) == ()
