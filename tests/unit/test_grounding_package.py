"""groundingdino-py as a backend: what is said where it cannot work.

That it answers as transformers does is measured by `python -m tests.parity`.
"""

from importlib.util import find_spec

import pytest
import torch
import transformers

from facea_core.detection.grounding import package
from facea_core.detection.grounding.package import load_package_grounder, require_package
from facea_core.errors import AssetError, DetectorError, MissingDependencyError

from .grounding import save_small

OLD = all(hasattr(transformers.BertModel, name) for name in package._NEEDED)
HERE = find_spec("groundingdino") is not None


class OlderBert:
    get_extended_attention_mask = invert_attention_mask = get_head_mask = None


@pytest.mark.skipif(OLD, reason="needs transformers 5")
def test_under_transformers_5_another_detector_is_named(tmp_path):
    with pytest.raises(MissingDependencyError) as told:
        load_package_grounder(tmp_path / "groundingdino_swint_ogc.pth")
    assert transformers.__version__ in str(told.value)
    assert "'grounding-dino'" in str(told.value)
    assert "pip install" not in str(told.value)


def test_without_the_package_its_extra_is_named(monkeypatch):
    monkeypatch.setattr(transformers, "BertModel", OlderBert)
    monkeypatch.setattr(package, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"facea-net\[groundingdino\]") as told:
        require_package()
    assert "'grounding-dino'" in str(told.value)


@pytest.mark.skipif(HERE, reason="the package is installed")
def test_a_package_that_is_not_there_is_not_looked_for_in_the_file(tmp_path, monkeypatch):
    """The package is asked for first: a user without it need not find weights to learn of it."""
    monkeypatch.setattr(transformers, "BertModel", OlderBert)
    with pytest.raises(MissingDependencyError):
        load_package_grounder(tmp_path / "nothing.pth")


def test_files_that_it_cannot_read_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "require_package", lambda: None)
    with pytest.raises(AssetError, match="there is no detector"):
        load_package_grounder(tmp_path / "nothing.pth")
    with pytest.raises(DetectorError, match="use the detector 'grounding-dino'"):
        load_package_grounder(save_small(tmp_path / "hub"))
    unknown = {
        "feat_map.weight": torch.zeros(256, 768),
        "backbone.0.patch_embed.proj.weight": torch.zeros(64, 3, 4, 4),
    }
    torch.save({"model": unknown}, tmp_path / "groundingdino_small.pth")
    with pytest.raises(DetectorError, match="no Grounding-DINO of a known size"):
        load_package_grounder(tmp_path / "groundingdino_small.pth")
