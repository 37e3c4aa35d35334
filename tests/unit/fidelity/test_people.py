"""FaceA-Bench: its people and what it measures of them."""

from dataclasses import replace

import torch

from benchmarks.likeness.cached_backbone import KnowingBackbone
from benchmarks.likeness.generate import paste_head
from benchmarks.likeness.metrics import MEASURES, PARTS, Judge
from benchmarks.likeness.subjects import Subject, painted_subject
from facea_core.backbone import load_backbone
from facea_core.detection.load import load_detector


def test_a_person_is_the_same_for_any_count_of_scenes(subject: Subject):
    more = painted_subject(3, 3, 128, load_detector("tiny"))
    assert more.caption == subject.caption
    for mine, theirs in zip(subject.scenes, more.scenes, strict=False):
        assert torch.equal(mine.image, theirs.image)
        assert mine.prompt == theirs.prompt
    other = painted_subject(4, 1, 128, load_detector("tiny"))
    assert not torch.equal(other.photos[0].image, subject.photos[0].image)


def test_a_persons_photos_have_what_is_said_of_their_expressions_apart(subject: Subject):
    assert len(subject.captions) == len(subject.photos)
    assert set(subject.captions) <= {"", "smiling", "an open mouth", "smiling, an open mouth"}
    assert not any(photo.caption for photo in subject.photos)


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
