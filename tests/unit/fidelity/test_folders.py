"""People and scenes in folders, measured by CLIP and DINO too."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import (
    BitImageProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    Dinov2Config,
    Dinov2Model,
)

from benchmarks.likeness.features import load_features
from benchmarks.likeness.folders import person_folders, read_scenes, read_subject
from benchmarks.likeness.metrics import PARTS, Judge
from facea_core.backbone import load_backbone
from facea_core.detection.load import load_detector
from facea_core.errors import AssetError, ConfigError, ImageError, NoFaceError
from facea_core.io.images import save_image
from facea_core.types import Photo


def test_folders_become_people_and_scenes(photographed: Path, judge: Judge):
    detector = load_detector("tiny")
    (folder,) = person_folders(photographed / "people")
    scenes = read_scenes(photographed / "scenes", 2, detector)
    assert [scene.prompt for scene in scenes] == ["", "at sunset"]
    ada = read_subject(folder, 0, scenes, detector)
    assert (ada.name, ada.noun, ada.attributes) == ("ada", "woman", "female")
    assert (len(ada.photos), len(ada.heldout)) == (3, 2)
    figures = Judge(judge.embedder)(ada, scenes[0], scenes[0].image)
    assert math.isfinite(figures["heldout"])
    assert all(math.isnan(figures[name]) for name in ("prompt", "context", *PARTS))
    assert math.isnan(judge.diversity(ada, [scene.image for scene in scenes]))


def test_a_text_beside_a_photo_is_kept_for_the_arm_that_learns_it(
    photographed: Path, tmp_path: Path
):
    folder = tmp_path / "ada"
    shutil.copytree(photographed / "people" / "ada", folder)
    photo = folder / "0.png"
    photo.with_suffix(".txt").write_text("smiling\n")
    ada = read_subject(folder, 0, [], load_detector("tiny"))
    names = [one.name for one in ada.photos]
    assert list(ada.captions) == ["smiling" if name == photo.name else "" for name in names]
    assert not any(one.caption for one in ada.photos)


def test_what_is_wrong_with_folders_is_said(photographed: Path, tmp_path: Path):
    detector = load_detector("tiny")
    with pytest.raises(ConfigError, match="holds no folders with photos; make one per person"):
        person_folders(tmp_path)
    with pytest.raises(ConfigError, match="holds 2 pictures to paint into, and 3 scenes"):
        read_scenes(photographed / "scenes", 3, detector)
    for said in ("[]", "{", '"woman"'):
        (tmp_path / "about.json").write_text(said)
        with pytest.raises(AssetError, match="cannot read .*about.json"):
            read_subject(tmp_path, 0, [], detector)
    (tmp_path / "about.json").unlink()
    save_image(torch.rand(1, 3, 64, 64), tmp_path / "noise.png")
    with pytest.raises(NoFaceError, match="no face was found in .*noise.png"):
        read_scenes(tmp_path, 1, detector)
    with pytest.raises(ImageError, match="no face was found in the photos of"):
        read_subject(tmp_path, 0, [], detector)


def small_clip(folder: Path) -> Path:
    torch.manual_seed(0)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
             "num_attention_heads": 2}  # fmt: skip
    vision = {**small, "image_size": 32, "patch_size": 8}
    words = load_backbone("tiny").text.tokenizers["clip_l"]
    text = {**small, "vocab_size": len(words), "bos_token_id": words.bos_token_id,
            "eos_token_id": words.eos_token_id}  # fmt: skip
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision,
                         projection_dim=16)).save_pretrained(folder)  # fmt: skip
    size = {"height": 32, "width": 32}
    reader = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=size)
    CLIPProcessor(reader, words).save_pretrained(folder)
    return folder


def small_dino(folder: Path) -> Path:
    torch.manual_seed(0)
    config = Dinov2Config(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=32,
                          patch_size=8)  # fmt: skip
    Dinov2Model(config).save_pretrained(folder)
    BitImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
                      ).save_pretrained(folder)  # fmt: skip
    return folder


def test_clip_and_dino_measure_where_they_are(photographed: Path, tmp_path: Path, judge: Judge):
    detector = load_detector("tiny")
    scenes = read_scenes(photographed / "scenes", 1, detector)
    ada = read_subject(photographed / "people" / "ada", 0, scenes, detector)
    more = [load_features(small_clip(tmp_path / "clip")), load_features(small_dino(tmp_path / "d"))]
    figures = Judge(judge.embedder, more=more)(ada, scenes[0], scenes[0].image)
    for name in ("clip_i", "clip_t", "dino", *PARTS):
        assert -1 <= figures[name] <= 1 + 1e-6
    itself = replace(ada, heldout=[Photo(scenes[0].image, scenes[0].target)])
    same = Judge(judge.embedder, more=more)(itself, scenes[0], scenes[0].image)
    for name in ("clip_i", "dino"):
        assert same[name] == pytest.approx(1, abs=1e-5)
        assert same[name] > figures[name]


def test_a_folder_that_is_no_clip_is_refused(tmp_path: Path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(AssetError, match="is no CLIP or DINO"):
            load_features(folder)
