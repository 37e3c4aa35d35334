"""FaceA-Bench: its people, what it measures, how it sums up, and where it goes on."""

import json
import math
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import unquote

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

from benchmarks.likeness.arms import ARMS, GROUPS, REFERENCE, arms
from benchmarks.likeness.cached_backbone import KnowingBackbone
from benchmarks.likeness.features import load_features
from benchmarks.likeness.folders import person_folders, read_scenes, read_subject
from benchmarks.likeness.generate import paste_head
from benchmarks.likeness.html import page
from benchmarks.likeness.journal import Journal, read_rows
from benchmarks.likeness.metrics import MEASURES, PARTS, Judge
from benchmarks.likeness.run import WHOLE, Benchmark, BenchmarkConfig, preset_of
from benchmarks.likeness.subjects import Scene, Subject, painted_subject
from benchmarks.likeness.tables import as_csv, as_dict, difference, estimate, markdown, results
from facea_core.backbone import load_backbone
from facea_core.detection.load import load_detector
from facea_core.errors import AssetError, ConfigError, ImageError, NoFaceError
from facea_core.evaluation import TinyEmbedder
from facea_core.evaluation.identity_encoder import load_attribute_probe
from facea_core.io.images import save_image
from facea_core.training import TrainConfig
from facea_core.types import Photo


@pytest.fixture(scope="module")
def subject() -> Subject:
    return painted_subject(3, 2, 128, load_detector("tiny"))


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(TinyEmbedder(), load_attribute_probe())


def test_a_person_is_the_same_for_any_count_of_scenes(subject: Subject):
    more = painted_subject(3, 3, 128, load_detector("tiny"))
    assert more.caption == subject.caption
    for mine, theirs in zip(subject.scenes, more.scenes, strict=False):
        assert torch.equal(mine.image, theirs.image)
        assert mine.prompt == theirs.prompt
    other = painted_subject(4, 1, 128, load_detector("tiny"))
    assert not torch.equal(other.photos[0].image, subject.photos[0].image)


def test_the_best_possible_picture_is_judged_better_than_the_scene(subject: Subject, judge: Judge):
    for scene in subject.scenes:
        assert scene.answer is not None
        best, worst = (judge(subject, scene, image) for image in (scene.answer, scene.image))
        assert set(best) | {"diversity", "clip_i", "clip_t", "dino"} == set(MEASURES)
        assert best["heldout"] > worst["heldout"] + 0.3
        assert best["context"] == 0
        assert sum(best[part] for part in PARTS) > sum(worst[part] for part in PARTS)
        assert worst["outside"] == 0
    answers = [scene.answer for scene in subject.scenes if scene.answer is not None]
    assert judge.diversity(subject, answers) == 1
    assert judge.diversity(subject, [answers[0], answers[0]]) < 1


def test_a_pasted_head_is_the_photos_and_leaves_the_rest_alone(subject: Subject, judge: Judge):
    scene, photo = subject.scenes[0], subject.photos[0]
    made = paste_head(photo, scene)
    changed = (made != scene.image).any(1, keepdim=True).float()
    # All of the face, and nothing farther from it than hair and neck reach.
    face = scene.target.face
    assert changed[..., face.y0 : face.y1, face.x0 : face.x1].mean() > 0.9
    assert 0 < changed.sum() < 4 * face.area
    (x, y), (fx, fy) = map(lambda face: face.center, (scene.target.face, photo.attributes.face))
    shown = made[0, :, round(y) - 2 : round(y) + 2, round(x) - 2 : round(x) + 2].mean()
    wanted = photo.image[0, :, round(fy) - 2 : round(fy) + 2, round(fx) - 2 : round(fx) + 2].mean()
    assert abs(float(shown - wanted)) < 0.1
    assert judge(subject, scene, made)["heldout"] > judge(subject, scene, scene.image)["heldout"]


def test_a_backbone_that_knows_a_picture_answers_the_same_without_encoding_it():
    backbone = load_backbone("tiny")
    knowing = KnowingBackbone.of(backbone)
    image = torch.rand(2, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    first = knowing.encode_image(image)
    assert torch.equal(first.mean, backbone.encode_image(image).mean)
    assert knowing.encode_image(image.clone()) is first
    # At another resolution it is the same memory, and other bytes are another picture.
    other = replace(knowing, spec=replace(knowing.spec, resolution=64))
    assert other.encode_image(image) is first
    for changed in (image.view(2, 3, 32, 64), image + 1e-6):
        assert torch.equal(other.encode_image(changed).mean, backbone.encode_image(changed).mean)
    assert len(knowing.known) == 3
    assert knowing.hash == backbone.hash


def test_arms_are_found_by_name_and_group():
    assert [arm.name for arm in arms("words-only, rivals")][:3] == [
        REFERENCE, "words-only", "caption"
    ]  # fmt: skip
    assert {arm.name for arm in arms("all")} == set(ARMS) == set(GROUPS["all"])
    with pytest.raises(ConfigError, match="'words-onyl'; did you mean 'words-only'"):
        arms("words-onyl")


def test_settings_are_an_arm_too():
    _, mine = arms("steps=7+targets=wide+lora_lr=0.5")
    way = mine.training(TrainConfig())
    assert way == TrainConfig(steps=7, targets="wide", lora_lr=0.5)
    _, earlier = arms("steps=7+targets=wide+lora_rate=0.5")
    assert earlier.training(TrainConfig()) == way
    for wrong, said in (("stesp=7", "steps"), ("steps=many", "steps"), ("steps=0", "steps")):
        with pytest.raises(ConfigError, match=said):
            arms(wrong)
    rows = [
        {"person": person, "arm": arm, "scene": 0, "heldout": value}
        for person in "ab" for arm, value in (("steps=7", 0.5), (REFERENCE, 0.25))
    ]  # fmt: skip
    found = results(rows)
    assert [result.arm for result in found] == [REFERENCE, "steps=7"]
    assert found[1].differences["heldout"].mean == 0.25


@pytest.mark.parametrize("preset", ["paper", "tiny"])
def test_every_arm_is_a_training_that_differs_from_the_others_or_is_the_reference(preset: str):
    start = TrainConfig.from_preset(preset)
    hashes = {}
    for arm in ARMS.values():
        if arm.kind == "train":
            hashes.setdefault(arm.training(start).hash, []).append(arm.name)
    # What the preset does already has a name in the ablation too.
    twins = [names for names in hashes.values() if len(names) > 1]
    assert all(REFERENCE in names for names in twins)
    assert ARMS["steps-half"].training(start).steps == start.steps // 2
    assert ARMS["rates-double"].training(start).lora_lr == 2 * start.lora_lr


def test_estimates_hold_the_mean_of_people():
    values = torch.randn(12, generator=torch.Generator().manual_seed(0)).tolist()
    found = estimate(values)
    assert found.mean == pytest.approx(sum(values) / 12)
    assert found.low < found.mean < found.high
    wide = 1.96 * torch.tensor(values).std() / math.sqrt(12)
    assert found.high - found.low == pytest.approx(float(2 * wide), rel=0.25)
    assert estimate(values) == found
    moved = estimate([value + 7 for value in values])
    assert moved[:3] == pytest.approx([value + 7 for value in found[:3]])


def test_an_interval_leans_where_the_values_do():
    found = estimate([0.0] * 10 + [1.0, 3.0])
    assert found.high - found.mean > 1.5 * (found.mean - found.low)


@pytest.mark.filterwarnings("error")
def test_an_interval_of_nobody_of_one_and_of_people_all_alike():
    assert math.isnan(estimate([]).mean)
    one = estimate([0.5])
    assert (one.mean, one.people) == (0.5, 1)
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    assert estimate([0.5] * 4) == (0.5, 0.5, 0.5, 4)
    for values in ([0.1 + 0.2, 0.3], [0.0, 1e-300, 0.0], [1.0, 1.0 + 2**-52, 1.0]):
        found = estimate(values)
        assert min(values) == found.low <= found.mean <= found.high == max(values)
    assert estimate([0.0, 1.0])[1:3] == (0.0, 1.0)


def test_differences_are_paired():
    spread = {str(i): float(i) for i in range(8)}
    better = {person: value + 0.1 for person, value in spread.items()}
    found = difference(better, {**spread, "somebody": 5.0})
    assert found.people == 8
    assert found.mean == pytest.approx(0.1)
    assert found.clear
    assert not difference(spread, spread).clear


def rows(people: int = 3) -> list[dict]:
    return [
        {"person": f"p{p}", "arm": arm, "scene": scene, "heldout": 0.1 * p + bonus}
        for p in range(people)
        for arm, bonus in ((REFERENCE, 0.5), ("caption", 0.2))
        for scene in range(2)
    ]


def test_tables_say_the_same_in_every_form():
    found = results(rows())
    assert [r.arm for r in found] == [REFERENCE, "caption"]
    assert found[1].differences["heldout"].mean == pytest.approx(-0.3)
    assert "| caption | **-0.300 (-0.300 to -0.300)** |" in markdown(found)
    plain = json.loads(json.dumps(as_dict(found), allow_nan=False))
    assert plain["caption"]["less"]["heldout"]["mean"] == pytest.approx(-0.3)
    assert plain["caption"]["measures"]["prompt"]["mean"] is None
    assert len(as_csv(found).splitlines()) == 1 + 2 * len(MEASURES)


def test_a_page_shows_any_name_and_finds_its_pictures(subject: Subject, tmp_path: Path):
    one = replace(subject, name="<i>Zoë's</i> #1".replace("/", ""), caption='"a & b"')
    picture = tmp_path / "pictures" / REFERENCE / f"{one.name}-0.png"
    picture.parent.mkdir(parents=True)
    picture.touch()
    html = page(results(rows()), [one], tmp_path, 2)
    assert html.startswith("<!doctype html>")
    assert one.name not in html
    assert unescape(html).count(f"<h3>{one.name} <small>{one.caption}</small>") == 1
    (source,) = re.findall(r'<img loading=lazy src="([^"]*)">', html)
    assert tmp_path / unquote(source) == picture


def test_a_torn_line_is_dropped_and_the_others_stay(tmp_path):
    about = {"seed": 1}
    journal = Journal(tmp_path, about)
    for row in rows(2):
        journal.add(row)
    whole = journal.path.read_bytes()
    for cut in (1, 20, len(whole) // 2):
        journal.path.write_bytes(whole[:-cut])
        kept = Journal(tmp_path, about)
        assert len(read_rows(tmp_path)) == whole[:-cut].count(b"\n")
        missing = rows(2)[len(read_rows(tmp_path)) :]
        for row in missing:
            kept.add(row)
        assert kept.path.read_bytes() == whole
    assert WHOLE not in {row["scene"] for row in read_rows(tmp_path)}


def test_processes_share_a_folder_and_strangers_do_not(tmp_path):
    first, second = Journal(tmp_path, {"seed": 1}), Journal(tmp_path, {"seed": 1}, share=2)
    for row in rows(2)[:4]:
        first.add(row)
    for row in rows(2)[4:]:
        second.add(row)
    assert read_rows(tmp_path) == sorted(rows(2), key=lambda r: (r["person"], r["arm"], r["scene"]))
    with pytest.raises(ConfigError, match="another benchmark .*seed: 1, now 2"):
        Journal(tmp_path, {"seed": 2})


@pytest.mark.parametrize("part", ["0/2", "3/2", "x", "1", "1/2/3", "-1/1"])
def test_a_part_that_is_none_is_refused(part: str):
    with pytest.raises(ConfigError, match="part is"):
        BenchmarkConfig(part=part)


# Photographs


@pytest.fixture(scope="module")
def photographed(tmp_path_factory: pytest.TempPathFactory, subject: Subject) -> Path:
    """People and scenes as folders; painted ones, so that the small detector knows them."""
    folder = tmp_path_factory.mktemp("photographed")
    for place, photos in (("ada", subject.photos), ("ada/heldout", subject.heldout[:2])):
        for i, photo in enumerate(photos):
            save_image(photo.image, folder / "people" / place / f"{i}.png")
    (folder / "people" / "ada" / "about.json").write_text('{"noun": "woman"}')
    for i, scene in enumerate(subject.scenes):
        save_image(scene.image, folder / "scenes" / f"{i}.png")
    (folder / "scenes" / "1.txt").write_text("at sunset\n")
    return folder


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


class Ruler:
    """Measures nothing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def measure(self, subject: Subject, scene: Scene, image: torch.Tensor) -> dict[str, float]:
        return {"dino": 1.0}


def test_a_folder_is_not_gone_on_with_by_other_instruments_or_people(
    tmp_path: Path, subject: Subject, judge: Judge
):
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
