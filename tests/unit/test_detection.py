import json
from dataclasses import replace

import pytest
import torch

from facea_core.attributes import ATTRIBUTES, attribute_table
from facea_core.detection.detect import (
    DetectConfig,
    detect_attributes,
    detect_chosen,
    detect_faces,
    part_masks,
    to_json,
)
from facea_core.detection.estimate import RATIOS, with_estimates
from facea_core.detection.found import found_together, photos_with_faces, so_many
from facea_core.detection.grounding.detector import GroundingDinoDetector
from facea_core.detection.load import FirstFinding, load_detector
from facea_core.detection.preview import draw_faces
from facea_core.errors import AssetError, ConfigError, ImageError, NoFaceError, PartError
from facea_core.io.images import glance
from facea_core.masks import part_mask
from facea_core.synthetic.render import Painting, paint, sample_people, sample_scenes
from facea_core.types import Box, DetectedFaces, Detection, FaceAttributes, Part

COUNT = 4
FACE = Box(30, 30, 90, 100)


@pytest.fixture(scope="module")
def painting():
    generator = torch.Generator().manual_seed(4)
    return paint(sample_people(COUNT, generator), sample_scenes(COUNT, generator))


class Painted:
    """A detector that knows the pictures of a painting and answers with their exact boxes."""

    name = "painted"

    def __init__(self, painting: Painting) -> None:
        self.painting = painting

    def detect(self, image, phrases):
        for i, boxes in enumerate(self.painting.boxes):
            if torch.equal(image[0], self.painting.image[i]):
                return tuple(
                    Detection(phrase, Box(*boxes[phrase]), 0.9)
                    for phrase in phrases
                    if phrase in boxes
                )
        return ()


class Known:
    """A detector that gives the same candidates for every picture."""

    name = "known"

    def __init__(self, *found: Detection) -> None:
        self.found = found

    def detect(self, image, phrases):
        return tuple(one for one in self.found if one.phrase in phrases)


def the_face(image, detector, config=None) -> FaceAttributes:
    """The answer for one image, which must have one."""
    (answer,) = detect_attributes([image], detector, config)
    assert answer is not None
    return answer


def box_of(face: FaceAttributes, attribute: str) -> Box:
    part = face.part(attribute)
    assert part is not None
    return part.box


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


def two_people(painting):
    """Candidates for the first two people of a painting, side by side, and their picture."""
    image = torch.cat([painting.image[:1], painting.image[1:2]], dim=-1)
    found = [
        Detection(part, Box(*box).shift(128 * i, 0), 0.9)
        for i in (0, 1)
        for part, box in painting.boxes[i].items()
    ]
    return image, Known(*found)


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


def test_every_face_of_every_picture_and_never_fewer_answers(painting):
    image, detector = two_people(painting)
    empty = torch.zeros(1, 3, 64, 64)

    class Sometimes:
        name = "known"

        def detect(self, picture, phrases):
            return detector.detect(picture, phrases) if picture.shape == image.shape else ()

    config = DetectConfig("mouth", face_order="left-to-right", face_index=-1, on_missing="skip")
    found = detect_chosen([image, empty, image], Sometimes(), config)
    assert [len(faces) for faces in found] == [2, 0, 2]
    assert [face.face.x0 < 128 for face in found[0]] == [True, False]
    with pytest.raises(NoFaceError, match="image 2 of 3"):
        detect_chosen([image, empty, image], Sometimes(), replace(config, on_missing="error"))
    with pytest.raises(ConfigError, match="face_index"):
        detect_attributes([image], detector, config)


def test_of_many_faces_one_without_a_part_stays(painting):
    image, detector = two_people(painting)
    (faces,) = detect_chosen([image], detector, DetectConfig("beard", face_index=-1))
    assert len(faces) == 2
    assert "not found: beard" in faces[0].notes


def test_a_part_mask_is_that_part_of_all_faces_and_nothing_else():
    drawn = torch.zeros(1, 1, 40, 60)
    drawn[..., 20:22, 30:33] = 0.5
    left = FaceAttributes(
        (40, 60),
        Box(0, 0, 20, 30),
        0.9,
        (Part("eyes", Box(2, 5, 12, 9), 0.9), Part("nose", Box(6, 10, 9, 14), 0.9)),
    )
    right = FaceAttributes(
        (40, 60), Box(25, 0, 50, 30), 0.9, (Part("eyes", Box(28, 18, 40, 24), 0.9, drawn),)
    )
    image, table = torch.rand(2, 3, 40, 60)[:1], attribute_table("nose, eyes, mouth")
    nose, eyes, mouth = part_masks(image, [left, right], table)
    for mask in (nose, eyes, mouth):
        assert mask.shape == (1, 1, 40, 60)
        assert mask.dtype == torch.float32
    # The user's own mask as it was drawn, beside the rounded shape of the other face's eyes.
    assert torch.equal(eyes[..., 25:], drawn[..., 25:])
    assert torch.equal(eyes[..., :25], part_mask(left.parts[0], (40, 60))[..., :25])
    assert torch.equal(nose, part_mask(left.parts[1], (40, 60)))
    assert not mouth.any()
    # A mask and a box of the same part are one.
    both = part_masks(image, [right, replace(left, parts=(Part("eyes", right.face, 0.9),))], table)
    assert both[1][..., 4:26, 29:46].min() == 1
    assert not any(mask.any() for mask in part_masks(image, [], table))
    wide = part_masks(image, [left], table, grow=0.1, feather=0.1)[0]
    assert (wide >= nose).float().mean() > 0.99
    assert wide.sum() > nose.sum()
    assert drawn.max() == 0.5


def some_face(x0: int, score: float = 0.9) -> FaceAttributes:
    return FaceAttributes((40, 60), Box(x0, 5, x0 + 20, 30), score)


def test_photos_are_the_pictures_with_their_first_face_and_the_others_are_told():
    images = list(torch.rand(4, 3, 40, 60).split(1))
    whole = some_face(0, score=0.0)  # what "pass" answers where there is no face
    faces = ((some_face(1), some_face(30)), (), (whole,), ())
    photos, notes = photos_with_faces(images, DetectedFaces("male", faces))
    assert [photo.name for photo in photos] == ["photo 1", "photo 3"]
    assert photos[0].image is images[0]
    assert photos[1].image is images[2]
    assert photos[0].attributes is faces[0][0]
    assert photos[1].attributes is whole
    assert [note.split(":")[0] for note in notes] == ["photo 2 left out", "photo 4 left out"]
    assert so_many(len(photos), len(images)) == "2 of 4 photos"
    assert [so_many(count, count) for count in (1, 3)] == ["1 photo", "3 photos"]


@pytest.mark.parametrize(("pictures", "searched"), [(2, 3), (3, 1), (1, 0)])
def test_faces_of_other_pictures_are_refused(pictures: int, searched: int):
    images = [torch.zeros(1, 3, 40, 60)] * pictures
    found = DetectedFaces("male", ((some_face(1),),) * searched)
    with pytest.raises(ImageError, match=f"{pictures} pictures.*searched in {searched}"):
        photos_with_faces(images, found)


def test_photos_of_which_others_were_searched_are_refused():
    images = [torch.rand(1, 3, 5, 7).repeat_interleave(8, 2).repeat_interleave(9, 3)
              for _ in range(2)]  # fmt: skip
    glances = tuple(glance(image) for image in images)
    found = DetectedFaces("male", ((some_face(1),), (some_face(2),)), glances)
    assert len(photos_with_faces(images, found)[0]) == 2
    with pytest.raises(ImageError, match="photo 1 was found in another picture"):
        photos_with_faces(images[::-1], found)
    joined = found_together([found, found])
    assert len(joined.glances) == 4
    assert found_together([found, DetectedFaces("male", ((),))]).glances == ()


def test_what_was_found_in_several_batches_is_put_together_in_order():
    some = [((some_face(1),), ()), ((some_face(2), some_face(30)),)]
    joined = found_together([DetectedFaces("male", faces) for faces in some])
    assert (joined.attributes, joined.faces) == ("male", (*some[0], *some[1]))
    with pytest.raises(ConfigError, match="2 different tables.*male; eyes"):
        found_together([DetectedFaces("male", some[0]), DetectedFaces("eyes", some[1])])


def test_no_photo_left_is_an_error():
    images = [torch.zeros(1, 3, 40, 60)] * 2
    with pytest.raises(NoFaceError, match="none of the 2 photos.*on_missing"):
        photos_with_faces(images, DetectedFaces("male", ((), ())))


def test_only_faces_that_were_seen_are_counted():
    faces = ((some_face(1), some_face(30)), (), (some_face(0, score=0.0),), (some_face(2),))
    assert DetectedFaces("male", faces).count == 3
    assert DetectedFaces("male", ()).count == 0
