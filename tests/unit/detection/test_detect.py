"""Pictures to faces: every image, every face, every part, or an error."""

import json
from dataclasses import replace

import pytest
import torch

from facea_core.attributes import ATTRIBUTES
from facea_core.detection.detect import (
    DetectConfig,
    detect_attributes,
    detect_chosen,
    detect_faces,
    to_json,
)
from facea_core.detection.estimate import RATIOS, with_estimates
from facea_core.detection.grounding.detector import GroundingDinoDetector
from facea_core.detection.load import FirstFinding, load_detector
from facea_core.detection.preview import draw_faces
from facea_core.errors import AssetError, ConfigError, ImageError, NoFaceError, PartError
from facea_core.masks import part_mask
from facea_core.types import Box, Detection, FaceAttributes

from .known import COUNT, FACE, Known, Painted, box_of, the_face, two_people


def test_every_image_gets_one_answer_in_order(painting):
    config = DetectConfig("face, eyes, nose, mouth")
    answers = detect_attributes(list(painting.image.split(1)), Painted(painting), config)
    assert len(answers) == COUNT
    for answer, boxes in zip(answers, painting.boxes, strict=True):
        assert answer is not None
        assert answer.size == (128, 128)
        assert answer.face == Box(*boxes["face"])
        assert answer.attributes[:4] == ("face", "eyes", "nose", "mouth")
        assert ("hair" in answer.attributes) == ("hair" in boxes)
        assert box_of(answer, "nose") == Box(*boxes["nose"])
        assert answer.detector == "painted"
        assert answer.notes == ()
    assert detect_attributes([], Painted(painting)) == ()


def test_no_face_is_an_error_a_gap_or_passed_on(painting):
    grey = torch.full((1, 3, 40, 60), 0.5)
    images = [painting.image[:1], grey, painting.image[1:2]]
    detector = Painted(painting)
    with pytest.raises(NoFaceError, match="image 2 of 3.*no face.*painted.*on_missing"):
        detect_attributes(images, detector)
    skipped = detect_attributes(images, detector, DetectConfig(on_missing="skip"))
    assert [answer is None for answer in skipped] == [False, True, False]
    passed = detect_attributes(images, detector, DetectConfig(on_missing="pass"))
    for answer, boxes in ((passed[0], painting.boxes[0]), (passed[2], painting.boxes[1])):
        assert answer is not None
        assert answer.face == Box(*boxes["face"])
    whole = passed[1]
    assert whole is not None
    assert (whole.face, whole.size, whole.score) == (Box(0, 0, 60, 40), (40, 60), 0)
    assert whole.parts == ()
    assert "no face found" in whole.notes[0]


def test_a_missing_part_is_an_error_a_gap_or_left_out(painting):
    detector = Painted(painting)
    image = [painting.image[:1]]
    with pytest.raises(PartError, match=r"no beard found.*found: eyes.*part_threshold"):
        detect_attributes(image, detector, DetectConfig("eyes, beard"))
    assert detect_attributes(image, detector, DetectConfig("beard", on_missing="skip")) == (None,)
    passed = the_face(image[0], detector, DetectConfig("eyes, beard", on_missing="pass"))
    assert "beard" not in passed.attributes
    assert "eyes" in passed.attributes
    assert passed.notes == ("not found: beard",)


def test_missing_parts_are_estimated_when_asked(painting):
    images = [painting.image[:1], torch.full((1, 3, 40, 60), 0.5)]
    config = DetectConfig("eyes, beard, ears, glasses, hair", on_missing="estimate")
    seen, whole = detect_attributes(images, Painted(painting), config)
    assert seen is not None
    assert whole is not None
    assert set(seen.attributes) == {"eyes", "beard", "ears", "glasses", "hair"}
    assert box_of(seen, "eyes") == Box(*painting.boxes[0]["eyes"])
    for part in seen.parts:
        missing = part.attribute not in painting.boxes[0]
        assert part.estimated == missing
        assert (part.score == 0) == missing
        assert (f"{part.attribute} estimated from the face" in seen.notes) == missing
    assert not any("not found" in note for note in seen.notes)
    # Nothing can be estimated from a face that nobody saw.
    assert (whole.face, whole.score, whole.parts) == (Box(0, 0, 60, 40), 0, ())
    passed = detect_attributes(images, Painted(painting), replace(config, on_missing="pass"))
    assert passed[1] is not None
    assert whole.notes == passed[1].notes


def test_estimates_lie_where_the_painter_paints(painting):
    for boxes in painting.boxes:
        size = (128, 128)
        bare = FaceAttributes(size, Box(*boxes["face"]), 0.9)
        face = with_estimates(bare, ["eyes", "nose", "mouth", "hair"])
        for name in ("eyes", "nose", "mouth"):
            box, truth = box_of(face, name), Box(*boxes[name])
            assert box.intersect(truth).area > 0.3 * truth.area, name
            assert box.area < 0.2 * face.face.area
            assert box == box.clip(size)
    ears = with_estimates(FaceAttributes((128, 128), FACE, 0.9), ["ears"]).parts[0]
    mask = part_mask(ears, (128, 128))[0, 0]
    row = mask[round(ears.box.center[1])]
    # Two ears, and no face between them.
    assert row[ears.box.x0 + 3] == row[ears.box.x1 - 4] == 1
    assert not row[FACE.x0 + 8 : FACE.x1 - 8].any()
    outside = FaceAttributes((64, 64), Box(0, 60, 30, 100), 0.9)
    assert with_estimates(outside, ["mouth"]).parts == ()
    assert set(RATIOS) == set(ATTRIBUTES)


def test_every_face_gets_estimates(painting):
    image, detector = two_people(painting)
    config = DetectConfig("mouth, ears", face_index=-1, on_missing="estimate")
    (faces,) = detect_chosen([image], detector, config)
    assert len(faces) == 2
    for face in faces:
        ears = face.part("ears")
        assert ears is not None
        assert ears.estimated
        assert ears.box.intersect(face.face).area > 0


def test_the_face_index_counts_in_the_order(painting):
    image, detector = two_people(painting)
    config = DetectConfig("mouth", face_order="left-to-right", face_index=1)
    right = the_face(image, detector, config)
    assert right.face == Box(*painting.boxes[1]["face"]).shift(128, 0)
    assert box_of(right, "mouth") == Box(*painting.boxes[1]["mouth"]).shift(128, 0)
    assert "2 faces found, number 1 taken (left-to-right)" in right.notes
    with pytest.raises(NoFaceError, match="has 2 faces and number 2"):
        detect_attributes([image], detector, DetectConfig("mouth", face_index=2))


def test_all_faces_come_with_their_own_parts(painting):
    image, detector = two_people(painting)
    faces = detect_faces(image, detector, DetectConfig("nose", face_order="left-to-right"))
    for i, face in enumerate(faces):
        assert box_of(face, "nose") == Box(*painting.boxes[i]["nose"]).shift(128 * i, 0)
    assert detect_faces(torch.zeros(1, 3, 32, 32), Known()) == ()


def test_a_part_outside_the_picture_is_missing_and_one_half_inside_is_cut():
    face = Detection("face", Box(-40, 20, 40, 120), 0.9)
    outside = Detection("eyes", Box(-38, 50, -2, 65), 0.9)
    cut = Detection("mouth", Box(-20, 92, 20, 104), 0.9)
    answer = the_face(
        torch.zeros(1, 3, 128, 128),
        Known(face, outside, cut),
        DetectConfig("eyes, mouth", on_missing="pass"),
    )
    assert answer.face == Box(0, 20, 40, 120)
    assert box_of(answer, "mouth") == Box(0, 92, 20, 104)
    assert answer.notes == ("the face touches the border of the picture", "not found: eyes")


def test_thresholds_apply(painting):
    image = [painting.image[:1]]
    detector = Painted(painting)
    with pytest.raises(NoFaceError, match=r"face_threshold \(0.95\)"):
        detect_attributes(image, detector, DetectConfig(face_threshold=0.95))
    with pytest.raises(PartError, match=r"part_threshold \(0.95\)"):
        detect_attributes(image, detector, DetectConfig(part_threshold=0.95))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"attributes": "nosse"}, "'nosse'.*'nose'"),
        ({"on_missing": "ignore"}, "'ignore'.*error, skip, pass"),
        ({"face_order": "x"}, "'x'.*largest"),
        ({"face_index": -2}, "-2"),
        ({"face_threshold": 1.5}, "1.5"),
        ({"part_threshold": float("nan")}, "nan"),
        ({"part_grow": -0.1}, "part_grow is -0.1.*0 to 1"),
        ({"part_feather": 0.6}, "part_feather is 0.6.*0 to 0.5"),
    ],
)
def test_wrong_settings_are_refused_at_once(values, said):
    with pytest.raises(ConfigError, match=said):
        DetectConfig(**values)


def test_unusable_images_are_refused(painting):
    for image in (painting.image[:2], torch.zeros(1, 3, 1, 1), torch.zeros(3, 40, 40)):
        with pytest.raises(ImageError):
            detect_attributes([image], Painted(painting))


def test_detectors_by_name():
    assert load_detector("tiny").name == "tiny"
    assert load_detector().name == "auto"
    with pytest.raises(AssetError, match="no Grounding-DINO weights"):
        load_detector("grounding-dino", folders=[])
    with pytest.raises(ConfigError, match="'dlib'.*landmarks"):
        load_detector("dlib")


def test_a_name_of_earlier_versions_is_the_detector_of_today_with_a_word(tmp_path, caplog):
    weights = tmp_path / "groundingdino_swint_ogc.pth"
    weights.touch()
    for name in ("groundingdino-py", " GroundingDINO-py "):
        caplog.clear()
        found = load_detector(name, model=weights)
        assert (type(found), found.name) == (GroundingDinoDetector, "grounding-dino")
        (line,) = caplog.messages
        assert "groundingdino-py is called grounding-dino now" in line


def test_the_first_detector_that_is_sure_of_a_face_answers(painting):
    image = torch.zeros(1, 3, 128, 128)
    eyes = Detection("eyes", Box(40, 50, 80, 60), 0.9)
    weak = Known(Detection("face", Box(30, 30, 90, 100), 0.3), eyes)
    sure = Known(Detection("face", Box(31, 31, 91, 101), 0.8, source="second"), eyes)
    config = DetectConfig("eyes", face_threshold=0.1)
    assert the_face(image, FirstFinding([weak, sure]), config).detector == "second"
    assert the_face(image, FirstFinding([sure, weak]), config).detector == "second"
    assert the_face(image, FirstFinding([weak, Known()]), config).score == 0.3
    assert FirstFinding([sure]).detect(image, ["eyes"]) == (eyes,)
    with pytest.raises(NoFaceError, match="auto"):
        detect_attributes([image], FirstFinding([Known(), Known()]))


def test_json_round_trips(painting):
    grey = torch.full((1, 3, 40, 60), 0.5)
    config = DetectConfig(on_missing="skip")
    answers = detect_attributes([painting.image[:1], grey], Painted(painting), config)
    text = json.dumps(to_json(answers))
    first, second = json.loads(text)["faces"]
    assert second is None
    assert first["face"] == list(painting.boxes[0]["face"])
    assert first["parts"]["eyes"]["box"] == list(painting.boxes[0]["eyes"])
    assert first["detector"] == "painted"
    assert first["roll"] is None
    assert not first["parts"]["eyes"]["own_mask"]


def test_the_preview_marks_each_part_and_nothing_far_from_the_face(painting):
    image = painting.image[:1]
    config = DetectConfig("face, eyes, nose, mouth, hair", on_missing="pass")
    face = the_face(image, Painted(painting), config)
    shown, plain = draw_faces(image, [face]), draw_faces(image, [])
    assert shown.shape == plain.shape == (1, 3, 512, 512)
    changed = (shown - plain).abs().amax(dim=1)[0] > 0.02
    for part in face.parts:
        box = part.box.scale(4, 4)
        edge = changed[box.y0, box.x0 : box.x1]
        assert edge.float().mean() > 0.8
    assert not changed[400:, :60].any()
    assert draw_faces(torch.zeros(1, 3, 600, 900), []).shape == (1, 3, 600, 900)
