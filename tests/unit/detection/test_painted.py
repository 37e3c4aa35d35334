import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from facea_core.detection.detect import DetectConfig, detect_faces
from facea_core.detection.painted import SIDE, TinyDetector, close_window, search_windows
from facea_core.io.images import from_pil
from facea_core.synthetic.render import PARTS, paint, sample_people, sample_scenes
from facea_core.types import Box

from .known import box_of

COUNT = 12
data = pytest.importorskip("skimage.data")


@pytest.fixture(scope="module")
def painting():
    generator = torch.Generator().manual_seed(4)
    return paint(sample_people(COUNT, generator), sample_scenes(COUNT, generator))


class Coloured(torch.nn.Module):
    """Reads the areas off a picture whose red is the face, green the eyes and blue the mouth."""

    def __init__(self):
        super().__init__()
        self.windows = 0

    def forward(self, image):
        assert image.shape[1:] == (3, SIDE, SIDE)
        self.windows += len(image)
        cells = image.new_zeros(len(image), len(PARTS), SIDE // 2, SIDE // 2)
        for channel, part in enumerate(("face", "eyes", "mouth")):
            cells[:, PARTS.index(part)] = F.avg_pool2d(image[:, channel], 2)
        return cells.clamp(1e-3, 1 - 1e-3).logit()


def coloured(painting, i, size=128):
    masks = [painting.masks[part][i] for part in ("face", "eyes", "mouth")]
    image = torch.cat(masks)[None]
    return image if size == 128 else F.interpolate(image, size=(size, size), mode="area")


def pixel_box(mask):
    """The box of a mask (H, W) over 0.5."""
    ys, xs = (mask > 0.5).nonzero(as_tuple=True)
    return Box(int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)


def test_one_painted_face_is_found_with_its_parts(painting):
    detector = TinyDetector(Coloured())
    config = DetectConfig("face, eyes, mouth")
    for i in range(COUNT):
        (face,) = detect_faces(coloured(painting, i), detector, config)
        assert face.detector == "tiny"
        assert face.face.iou(Box(*painting.boxes[i]["face"])) > 0.9
        for part in ("eyes", "mouth"):
            assert box_of(face, part).iou(Box(*painting.boxes[i][part])) > 0.6


@pytest.mark.parametrize(
    "layout",
    [
        [[128, 128]],
        [[128, 128, 128]],
        [[128, 128, 128, 128]],
        [[128, 128], [128, 128]],
        [[200, 200]],
        [[128], [128], [128]],
        [[96, 96, 96], [96, 96, 96]],
    ],
)
def test_several_people_in_one_picture_are_found_each_with_their_parts(painting, layout):
    order = iter(range(COUNT))
    rows = [[coloured(painting, next(order), size) for size in row] for row in layout]
    image = torch.cat([torch.cat(row, dim=-1) for row in rows], dim=-2)
    count = sum(len(row) for row in layout)
    config = DetectConfig("eyes, mouth", face_order="left-to-right")
    faces = detect_faces(image, TinyDetector(Coloured()), config)
    assert len(faces) == count
    side = layout[0][0]
    for face in faces:
        column, row = (int(v // side) for v in face.face.center)
        frame = (slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side))
        for channel, box in (
            (0, face.face),
            (1, box_of(face, "eyes")),
            (2, box_of(face, "mouth")),
        ):
            truth = pixel_box(image[0, channel][frame]).shift(column * side, row * side)
            assert box.iou(truth) > (0.85 if channel == 0 else 0.5)
    centres = [face.face.center[0] for face in faces]
    assert centres == sorted(centres)


@pytest.mark.parametrize("size", [64, 300])
def test_the_size_of_the_picture_does_not_matter(painting, size):
    image = coloured(painting, 3, size)
    face = detect_faces(image, TinyDetector(Coloured()))[0]
    assert face.face.iou(pixel_box(image[0, 0])) > 0.9


def test_a_small_face_in_a_large_picture_is_found(painting):
    image = torch.zeros(1, 3, 320, 400)
    image[..., 150:278, 240:368] = coloured(painting, 2)
    faces = detect_faces(image, TinyDetector(Coloured()))
    assert len(faces) == 1
    assert faces[0].face.iou(pixel_box(image[0, 0])) > 0.9


def test_a_face_cut_by_the_border_is_found_and_noted(painting):
    image = coloured(painting, 1)[..., 60:]
    face = detect_faces(image, TinyDetector(Coloured()), DetectConfig("mouth"))[0]
    assert face.face.iou(pixel_box(image[0, 0])) > 0.85
    assert face.face.x0 == 0
    assert any("border" in note for note in face.notes)


@pytest.mark.parametrize("size", [(128, 128), (512, 512), (128, 512), (700, 90), (3000, 4000)])
def test_windows_cover_the_picture_and_are_few(size):
    windows = search_windows(size)
    assert len(windows) <= 100
    assert len(set(windows)) == len(windows)
    assert all(window.width == window.height for window in windows)
    covered = np.zeros((64, 64))
    for window in windows[1:] or windows:
        box = window.scale(64 / size[1], 64 / size[0])
        covered[max(box.y0, 0) : box.y1, max(box.x0, 0) : box.x1] = 1
    assert covered.all()
    assert windows[0].width == max(size)


def test_a_painted_picture_costs_two_looks(painting):
    model = Coloured()
    detect_faces(coloured(painting, 0), TinyDetector(model))
    assert model.windows == 2


@pytest.mark.parametrize("face", [Box(0, 0, 10, 12), Box(300, 100, 360, 180), Box(90, 0, 390, 300)])
def test_the_close_window_holds_the_face_and_stays_inside(face):
    window = close_window(face, (300, 400))
    assert window.width == window.height
    assert window.intersect(face) == face
    assert window.clip((300, 400)).area >= min(window.area, 300 * window.width)


@pytest.fixture(scope="module")
def tiny():
    return TinyDetector()


def test_the_trained_detector_finds_painted_parts(tiny):
    generator = torch.Generator().manual_seed(99)
    fresh = paint(sample_people(COUNT, generator), sample_scenes(COUNT, generator))
    config = DetectConfig(PARTS, on_missing="pass")
    overlaps = {part: [] for part in PARTS}
    for image, boxes in zip(fresh.image.split(1), fresh.boxes, strict=True):
        (face,) = detect_faces(image, tiny, config)
        assert face.score > 0.8
        for part in face.parts:
            if part.attribute in boxes:
                overlaps[part.attribute].append(part.box.iou(Box(*boxes[part.attribute])))
    means = {part: sum(values) / COUNT for part, values in overlaps.items()}
    assert means["face"] > 0.88
    assert means["eyes"] > 0.8
    assert min(means[part] for part in ("nose", "mouth", "eyebrows", "hair")) > 0.6


def test_the_trained_detector_finds_everyone_and_nobody_where_there_is_none(tiny, painting):
    four = torch.cat(list(painting.image[:4].split(1)), dim=-1)
    faces = detect_faces(four, tiny, DetectConfig(face_order="left-to-right"))
    assert [int(face.face.center[0] // 128) for face in faces] == [0, 1, 2, 3]
    assert all({"eyes", "nose", "mouth"} <= set(face.attributes) for face in faces)
    astronaut = from_pil(Image.fromarray(data.astronaut()[256:]))
    for empty in (torch.zeros(1, 3, 64, 64), astronaut):
        assert detect_faces(empty, tiny) == ()
