"""Pictures of one person: as the grid asks, like their photos, of nobody else, no two alike."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from facea_core.dataset.config import DatasetConfig
from facea_core.dataset.sample import sample_person
from facea_core.synthetic.parameters import SCENE
from facea_core.synthetic.render import paint
from tests.unit.dataset.painted import (
    SIZE,
    hosts,
    identity,
    numbers,
    painter_of,
    person,
    plan,
    scene,
    tools,
)

CONFIG = DatasetConfig(count=6, axes="backdrop; expression: neutral, smiling", tries=2)


def sampled(seeds=(3, 2), config=CONFIG, paint=None, who=0, count=12):
    shared, units = plan(seeds, config, count)
    model = paint or painter_of(seeds[who])
    return sample_person(units[who], shared, identity(units[who].person.name), model, tools())


def test_a_picture_is_kept_for_each_cell_and_shows_what_it_asks():
    made = sampled()
    assert len(made.pictures) == len(made.jpegs) == len(made.vectors) == 6
    assert made.short == ()
    asked = Counter(picture.asked["expression"] for picture in made.pictures)
    assert asked == {"neutral": 3, "smiling": 3}
    # The probe errs now and then; a picture that reads otherwise is kept where none is right.
    assert sum(p.read["expression"] == p.asked["expression"] for p in made.pictures) >= 5
    assert [p.path for p in made.pictures] == [
        f"images/0000_person-3/{number:03}.jpg" for number in range(6)
    ]
    for picture in made.pictures:
        assert picture.cosine >= 0.6
        assert picture.margin is not None
        assert picture.margin >= 0.1
        assert picture.nearest == "person-2"
        assert len(picture.points) == 5
        assert picture.synthetic
        words = ", smiling" if picture.asked["expression"] == "smiling" else ""
        assert picture.caption == f"a photo of person-3 man{words}"


def test_the_same_share_makes_the_same_bytes_and_hosts_serve_once():
    one, other = sampled(), sampled()
    assert one.jpegs == other.jpegs
    assert one.pictures == other.pictures
    names = [picture.host for picture in one.pictures]
    assert len(set(names)) == len(names)
    assert sampled(config=replace(CONFIG, seed=1)).jpegs != one.jpegs


def test_a_stranger_is_rejected_and_the_cells_are_short():
    made = sampled(paint=painter_of(2))
    assert made.pictures == ()
    assert len(made.short) == 6
    assert len(made.rejected) == made.figures["tries"] == 24
    assert all(one.reason.startswith("unlike the person") for one in made.rejected)
    assert "4 paintings, the last unlike the person" in made.short[0]


def test_a_cell_with_nothing_goes_round_its_hosts_again_until_anything_passes():
    right, wrong, seeds = painter_of(3), painter_of(2), []

    def model(*asked):
        seeds.append(asked[-1])
        return (wrong if len(seeds) <= 3 else right)(*asked)

    made = sampled(paint=model)
    assert made.short == ()
    assert made.pictures[0].tries == 4
    assert made.pictures[0].host == made.rejected[1].host != made.rejected[0].host
    assert made.rejected[2].host == made.rejected[0].host
    assert len(set(seeds)) == len(seeds)


def test_who_is_as_like_somebody_else_is_rejected():
    # Somebody is enrolled twice: no picture can be more like the one than like the other.
    twin = replace(person(1, 1), name="twin")
    shared, units = plan((1, 2), CONFIG)
    centres = torch.stack([person(1, 0).centre, twin.centre])
    shared = replace(shared, names=("person-1", "twin"), centres=centres)
    made = sample_person(units[0], shared, identity("person-1"), painter_of(1), tools())
    assert made.pictures == ()
    reasons = Counter(one.reason.partition(" (")[0] for one in made.rejected)
    assert reasons["as like twin"] >= 9


def test_copies_of_a_photo_and_of_a_kept_picture_are_rejected():
    config = replace(CONFIG, axes="", upper=0.999)
    photo = paint(numbers(1), scene(1000), SIZE).image

    def copies_photo(host, image, keep, words, noise):
        return photo

    # Its face must lie where the host's does, or that is the reason.
    shared, units = plan((1, 2), config)
    near = [h for h in hosts(12) if h.face.face.iou(person_face(photo)) >= 0.5]
    shared = replace(shared, hosts=tuple(near))
    unit = replace(units[0], cells=({},) * 3, hosts=((0,), (1 % len(near),), (0,)))
    made = sample_person(unit, shared, identity("person-1"), copies_photo, tools())
    assert made.pictures == ()
    assert all("a copy" in one.reason for one in made.rejected)

    def repeats(host, image, keep, words, noise):
        around = scene(int(near[0].name)).clone()
        around[:, SCENE.index("warmth")] += 1e-3 * (noise % 7)
        return paint(numbers(1), around, SIZE).image

    unit = replace(units[0], cells=({},) * 3, hosts=((0,), (0,), (0,)))
    made = sample_person(unit, shared, identity("person-1"), repeats, tools())
    assert len(made.pictures) == 1
    assert all("a copy of picture 1" in one.reason for one in made.rejected)


def person_face(image):
    from facea_core.detection import DetectConfig, detect_attributes

    (face,) = detect_attributes([image], tools().detector, DetectConfig("face"))
    assert face is not None
    return face.face


def test_strict_rejects_what_reads_otherwise_and_else_it_is_kept_last():
    def never_smiles(host, image, keep, words, noise):
        return painter_of(3)(host, image, keep, (), noise)

    lenient = sampled(paint=never_smiles)
    assert len(lenient.pictures) == 6
    assert sum(p.read["expression"] == "neutral" for p in lenient.pictures) >= 5
    strict = sampled(paint=never_smiles, config=replace(CONFIG, strict=True))
    reasons = {one.reason for one in strict.rejected}
    assert any("expression is neutral" in reason for reason in reasons)
    assert all(p.read["expression"] == p.asked["expression"] for p in strict.pictures)
    assert len(strict.pictures) < 6


def test_more_paintings_leave_a_choice():
    plain, more = sampled(), sampled(config=replace(CONFIG, extra=1.0))
    assert more.figures["tries"] > plain.figures["tries"]
    assert len(more.pictures) == len(plain.pictures) == 6


def test_what_is_called_before_a_painting_can_stop_it():
    calls = []

    def stop(passed, wanted):
        calls.append((passed, wanted))
        if passed == 2:
            raise KeyboardInterrupt

    shared, units = plan((1, 2), CONFIG)
    with pytest.raises(KeyboardInterrupt):
        sample_person(units[0], shared, identity("person-1"), painter_of(1), tools(), stop)
    assert calls[0] == (0, 6)
    assert calls[-1] == (2, 6)


def test_one_person_alone_has_no_margin():
    made = sampled(seeds=(1,))
    assert len(made.pictures) == 6
    assert all(p.margin is None and p.nearest == "" for p in made.pictures)
