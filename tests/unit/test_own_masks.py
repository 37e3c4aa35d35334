import pytest
import torch
from PIL import Image

from facea_core.composing import ComposeConfig, face_mask
from facea_core.detection.detect import DetectConfig, detect_chosen
from facea_core.detection.user_masks import fitted, own_masks, put_on, read_own_masks
from facea_core.errors import ConfigError, MaskError, NoFaceError, PartError
from facea_core.io.images import save_image
from facea_core.types import Box, Detection, FaceAttributes, Part

from .detection.known import Known

SIZE = (60, 80)
FACE = Box(20, 10, 60, 50)
EYES = Part("eyes", Box(25, 20, 55, 28), 0.8)
HAIR = Part("hair", Box(15, 2, 65, 30), 0.3, estimated=True)
SEEN = FaceAttributes(
    SIZE, FACE, 0.9, (EYES, HAIR), "known", ("hair estimated from the face", "not found: mouth")
)
IMAGE = torch.full((1, 3, *SIZE), 0.4)
MOUTH, SMALL = Box(30, 38, 50, 45), Box(2, 3, 12, 13)


def drawn(box, size=SIZE, value=1.0):
    mask = torch.zeros(1, 1, *size)
    mask[..., box.y0 : box.y1, box.x0 : box.x1] = value
    return mask


SEES = Known(Detection("face", FACE, 0.9), Detection("eyes", EYES.box, 0.8))


def test_a_mask_replaces_a_part_or_adds_it_and_the_notes_follow():
    (face,) = put_on([SEEN], {"hair": drawn(SMALL), "mouth": drawn(MOUTH)}, SIZE)
    assert face.attributes == ("eyes", "hair", "mouth")
    assert face.parts[0] is EYES
    for part, box in zip(face.parts[1:], (SMALL, MOUTH), strict=True):
        assert (part.box, part.score, part.estimated) == (box, 1, False)
        assert torch.equal(part.mask, drawn(box))
    assert face.notes == ("own mask: hair, mouth",)
    assert (face.face, face.score, face.detector) == (FACE, 0.9, "known")
    assert SEEN.attributes == ("eyes", "hair")


def test_a_mask_of_the_face_is_the_face():
    (face,) = put_on([SEEN], {"face": drawn(SMALL)}, SIZE)
    assert face.face == SMALL
    assert face.part("eyes") is EYES
    (made,) = put_on([], {"face": drawn(SMALL)}, SIZE)
    assert (made.face, made.size, made.score, made.detector) == (SMALL, SIZE, 1, "own mask")
    # A face of score 0 stands for a picture in which none was seen.
    whole = FaceAttributes(SIZE, Box(0, 0, 80, 60), 0.0)
    assert put_on([whole], {"face": drawn(SMALL)}, SIZE)[0].score == 1
    assert put_on([whole], {"eyes": drawn(SMALL)}, SIZE)[0].score == 0


def test_only_the_first_face_wears_masks_and_without_one_nothing_changes():
    other = FaceAttributes(SIZE, SMALL, 0.5)
    first, second = put_on([SEEN, other], {"eyes": drawn(MOUTH)}, SIZE)
    assert first.part("eyes").box == MOUTH
    assert second is other
    assert put_on([], {"eyes": drawn(MOUTH)}, SIZE) == ()
    assert put_on([SEEN], {}, SIZE) == (SEEN,)


def test_masks_are_dealt_to_pictures_and_names_and_black_ones_say_nothing():
    black, eyes, mouth = drawn(Box(0, 0, 0, 0)), drawn(SMALL), drawn(MOUTH)
    same = own_masks(3, "eyes, mouth", [eyes, mouth])
    assert [list(one) for one in same] == [["eyes", "mouth"]] * 3
    each = own_masks(2, ("eyes", "mouth"), [eyes, black, black, mouth])
    assert [list(one) for one in each] == [["eyes"], ["mouth"]]
    assert each[1]["mouth"] is not None
    assert torch.equal(each[1]["mouth"], mouth)
    # ComfyUI's empty mask is 64x64 whatever the picture's size.
    assert own_masks(1, "eyes", [torch.zeros(1, 1, 64, 64)]) == ({},)
    assert own_masks(2, "", []) == ({}, {})
    dealt = own_masks(2, "eyes, face", [eyes, black, black, mouth])
    faces = [put_on(some, one, SIZE) for some, one in zip([[SEEN], []], dealt, strict=True)]
    assert [[face.face for face in found] for found in faces] == [[FACE], [MOUTH]]
    assert faces[0][0].part("eyes").box == SMALL


@pytest.mark.parametrize(
    ("names", "count", "error", "said"),
    [
        ("eyes, mouth", 3, MaskError, "3 masks for 2 attributes .*2 pictures; give 2.* or 4"),
        ("eyes, mouht", 2, ConfigError, "'mouht'.*'mouth'"),
        ("eyes, eyes", 2, ConfigError, "more than once"),
        ("", 1, ConfigError, "no attributes"),
    ],
)
def test_numbers_and_names_that_do_not_fit_are_refused(names, count, error, said):
    with pytest.raises(error, match=said):
        own_masks(2, names, [drawn(SMALL)] * count)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (drawn(SMALL, (80, 60)), "60x80 pixels and the picture 80x60"),
        (drawn(SMALL, value=0.4), "marks nothing .*0.4"),
        (drawn(SMALL, value=float("nan")), "NaN"),
        (drawn(SMALL, value=255.0), "scale them"),
        (torch.ones(2, 1, *SIZE), "holds 2 masks"),
        (torch.ones(1, 3, *SIZE), "shape"),
        (torch.ones(*SIZE), "shape"),
        (torch.ones(1, 1, *SIZE, dtype=torch.uint8), "uint8"),
    ],
)
def test_masks_that_cannot_be_meant_are_refused(mask, said):
    with pytest.raises(MaskError, match=f"'mouth'.*{said}"):
        detect_chosen([IMAGE], SEES, DetectConfig("eyes"), [{"mouth": mask}])


def test_a_mask_of_another_size_is_scaled_to_its_picture():
    large = fitted({"eyes": drawn(Box(40, 40, 80, 60), (120, 160))}, IMAGE)["eyes"]
    assert large.shape == (1, 1, *SIZE)
    assert put_on([SEEN], {"eyes": large}, SIZE)[0].part("eyes").box == Box(20, 20, 40, 30)


def test_even_one_pixel_is_a_mask():
    one = drawn(Box(79, 59, 80, 60))
    (faces,) = detect_chosen([IMAGE], SEES, DetectConfig("mouth"), [{"mouth": one}])
    assert faces[0].part("mouth").box == Box(79, 59, 80, 60)


def test_what_the_user_drew_is_not_missing():
    config = DetectConfig("eyes, mouth")
    with pytest.raises(PartError, match="no mouth"):
        detect_chosen([IMAGE], SEES, config)
    ((face,),) = detect_chosen([IMAGE], SEES, config, [{"mouth": drawn(MOUTH)}])
    assert face.part("mouth").box == MOUTH
    assert not any("not found" in note for note in face.notes)
    estimated = DetectConfig("eyes, mouth, nose", on_missing="estimate")
    ((face,),) = detect_chosen([IMAGE], SEES, estimated, [{"mouth": drawn(MOUTH)}])
    assert [part.estimated for part in face.parts] == [False, False, True]


@pytest.mark.parametrize("policy", ["error", "skip", "pass", "estimate"])
def test_a_drawn_face_is_a_face_where_none_is_found(policy):
    own = [{"face": drawn(FACE), "eyes": drawn(SMALL)}, {}]
    config = DetectConfig("eyes", on_missing=policy)
    if policy == "error":
        with pytest.raises(NoFaceError, match="image 2 of 2"):
            detect_chosen([IMAGE, IMAGE], Known(), config, own)
        own, images = own[:1], [IMAGE]
    else:
        images = [IMAGE, IMAGE]
    found = detect_chosen(images, Known(), config, own)
    assert len(found) == len(images)
    ((face,), *others) = found
    assert (face.face, face.score, face.attributes) == (FACE, 1, ("face", "eyes"))
    assert all(len(other) == (policy != "skip") for other in others)


def test_numbers_of_pictures_must_agree():
    with pytest.raises(MaskError, match="for 2 pictures and 1 pictures"):
        detect_chosen([IMAGE], SEES, DetectConfig("eyes"), [{}, {}])


def test_composing_repaints_the_drawn_face():
    mask = drawn(Box(20, 10, 60, 30))
    (face,) = put_on([FaceAttributes(SIZE, FACE, 0.9)], {"face": mask}, SIZE)
    hole = face_mask(face, ComposeConfig(grow=0.0, feather=0.05, neck=0.0, hair=False)) > 0.5
    assert torch.equal(hole, mask > 0.5)
    grown = face_mask(face, ComposeConfig(grow=0.1, feather=0.05, neck=0.0, hair=False)) > 0.5
    assert grown[0, 0, 20, 16]
    assert not grown[0, 0, 20, 14]


def test_masks_are_read_beside_their_photos_names(tmp_path):
    for name, box in (("ada.mouth", MOUTH), ("ada.eyes", SMALL), ("bob.b.face", FACE)):
        save_image(drawn(box).expand(-1, 3, -1, -1), tmp_path / f"{name}.png")
    save_image(torch.zeros(1, 3, *SIZE), tmp_path / "bob.b.eyes.png")
    save_image(torch.zeros(1, 3, *SIZE), tmp_path / "eve.png")
    ada, bob, eve = read_own_masks(["x/ada.jpg", "bob.b.png", "eve.png"], tmp_path)
    assert {name: mask.shape for name, mask in ada.items()} == dict.fromkeys(
        ("eyes", "mouth"), (1, 1, *SIZE)
    )
    assert torch.equal(ada["mouth"], drawn(MOUTH))
    assert list(bob) == ["face"]
    assert eve == {}


def test_a_mask_that_could_be_of_two_photos_is_refused(tmp_path):
    save_image(drawn(MOUTH).expand(-1, 3, -1, -1), tmp_path / "1.mouth.png")
    with pytest.raises(MaskError, match=r"1\.mouth\.png could be .*a/1\.jpg or of b/1\.jpg"):
        read_own_masks(["a/1.jpg", "b/1.jpg"], tmp_path)
    # The same photo twice is one, and photos without a mask may have any names.
    twice = read_own_masks(["a/1.jpg", "a/1.jpg", "a/2.jpg", "b/2.jpg"], tmp_path)
    assert [list(masks) for masks in twice] == [["mouth"], ["mouth"], [], []]


def test_masks_on_disk_that_cannot_be_meant_are_refused(tmp_path):
    with pytest.raises(MaskError, match="no folder of masks"):
        read_own_masks(["ada.png"], tmp_path / "none")
    with pytest.raises(MaskError, match=r"no mask of these photos.*ada\.mouth\.png"):
        read_own_masks(["ada.png"], tmp_path)
    path = tmp_path / "ada.eye.png"
    save_image(drawn(SMALL), path)
    with pytest.raises(ConfigError, match=r"ada\.eye\.png.*'eye'.*eyes, nose"):
        read_own_masks(["ada.png"], tmp_path)
    path = path.rename(tmp_path / "ada.eyes.png")
    Image.new("RGBA", (80, 60), (255, 255, 255, 0)).save(path)
    with pytest.raises(MaskError, match="only black ones"):
        read_own_masks(["ada.png"], tmp_path)
    path.write_bytes(b"no picture")
    with pytest.raises(MaskError, match=r"ada\.eyes\.png"):
        read_own_masks(["ada.png"], tmp_path)
