import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from facea_core.detection.detect import DetectConfig, detect_attributes, detect_faces, to_json
from facea_core.detection.heatmaps import find_areas, label_components
from facea_core.detection.load import FirstFinding, load_detector
from facea_core.detection.preview import preview
from facea_core.detection.tiny import SIDE, TinyDetector, close_window, search_windows
from facea_core.errors import (
    ConfigError,
    ImageError,
    MissingDependencyError,
    NoFaceError,
    PartError,
)
from facea_core.tiny.painter import PARTS, paint, sample_people, sample_scenes
from facea_core.types import Box, Detection

COUNT = 12


@pytest.fixture(scope="module")
def painting():
    generator = torch.Generator().manual_seed(4)
    return paint(sample_people(COUNT, generator), sample_scenes(COUNT, generator))


class Painted:
    """A detector that knows the pictures of a painting and answers with their exact boxes."""

    name = "painted"

    def __init__(self, painting):
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


# Heatmaps


def test_boxes_from_heatmaps_are_finer_than_a_cell(painting):
    overlaps = {part: [] for part in PARTS}
    for i, boxes in enumerate(painting.boxes):
        for part in PARTS:
            cells = F.avg_pool2d(painting.masks[part][i], 2)[0].clamp(1e-3, 1 - 1e-3)
            areas = [area for area in find_areas(cells.logit()) if area.mass > 0.1]
            if part not in boxes:
                assert not areas
                continue
            found = Box(
                round(128 * min(area.x0 for area in areas)),
                round(128 * min(area.y0 for area in areas)),
                round(128 * max(area.x1 for area in areas)),
                round(128 * max(area.y1 for area in areas)),
            )
            overlaps[part].append(found.iou(Box(*boxes[part])))
    means = {part: sum(values) / len(values) for part, values in overlaps.items()}
    assert means["face"] > 0.97
    assert min(means.values()) > 0.85


def test_the_coarser_the_cells_the_less_exact_and_never_lost(painting):
    mask = painting.masks["face"][0]
    truth = Box(*painting.boxes[0]["face"])
    for cells in (16, 32, 64):
        heatmap = F.adaptive_avg_pool2d(mask, cells)[0].clamp(1e-3, 1 - 1e-3).logit()
        area = find_areas(heatmap)[0]
        box = Box(*(round(128 * edge) for edge in area[:4]))
        assert box.iou(truth) > 0.9


def test_an_empty_or_broken_heatmap_has_no_areas():
    assert find_areas(torch.full((32, 32), -9.0)) == ()
    assert find_areas(torch.full((32, 32), float("nan"))) == ()
    full = find_areas(torch.full((32, 32), 9.0))
    assert full[0][:4] == (0.0, 0.0, 1.0, 1.0)


def test_components_are_those_of_a_flood(painting):
    rng = np.random.default_rng(0)
    for density in (0.2, 0.45, 0.6, 0.9):
        mask = rng.random((20, 24)) < density
        labels = label_components(mask)
        assert np.array_equal(labels > 0, mask)
        seeds = {}
        for y, x in np.argwhere(mask):
            near = labels[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            assert set(near[near > 0]) == {labels[y, x]}
            seeds.setdefault(labels[y, x], (y, x))
        for label, seed in seeds.items():
            reached, todo = {seed}, [seed]
            while todo:
                y, x = todo.pop()
                for to in ((y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)):
                    inside = 0 <= to[0] < 20 and 0 <= to[1] < 24 and mask[to]
                    if inside and to not in reached:
                        reached.add(to)
                        todo.append(to)
            assert len(reached) == (labels == label).sum()


# The tiny detector's search


def test_one_painted_face_is_found_with_its_parts(painting):
    detector = TinyDetector(Coloured())
    config = DetectConfig("face, eyes, mouth")
    for i in range(COUNT):
        face = detect_attributes([coloured(painting, i)], detector, config)[0]
        assert face.detector == "tiny"
        assert face.face.iou(Box(*painting.boxes[i]["face"])) > 0.9
        for part in ("eyes", "mouth"):
            assert face.part(part).box.iou(Box(*painting.boxes[i][part])) > 0.6


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
            (1, face.part("eyes").box),
            (2, face.part("mouth").box),
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


# Detecting attributes


def test_every_image_gets_one_answer_in_order(painting):
    config = DetectConfig("face, eyes, nose, mouth")
    answers = detect_attributes(list(painting.image.split(1)), Painted(painting), config)
    assert len(answers) == COUNT
    for answer, boxes in zip(answers, painting.boxes, strict=True):
        assert answer.size == (128, 128)
        assert answer.face == Box(*boxes["face"])
        assert answer.attributes[:4] == ("face", "eyes", "nose", "mouth")
        assert answer.part("nose").box == Box(*boxes["nose"])
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
    assert passed[1].face == Box(0, 0, 60, 40)
    assert passed[1].size == (40, 60)
    assert passed[1].score == 0
    assert passed[1].parts == ()
    assert "no face found" in passed[1].notes[0]
    assert [passed[i].face for i in (0, 2)] == [skipped[i].face for i in (0, 2)]


def test_a_missing_part_is_an_error_a_gap_or_left_out(painting):
    detector = Painted(painting)
    image = [painting.image[:1]]
    with pytest.raises(PartError, match=r"no beard found.*found: eyes.*part_threshold"):
        detect_attributes(image, detector, DetectConfig("eyes, beard"))
    assert detect_attributes(image, detector, DetectConfig("beard", on_missing="skip")) == (None,)
    passed = detect_attributes(image, detector, DetectConfig("eyes, beard", on_missing="pass"))[0]
    assert passed.attributes == ("eyes",)
    assert passed.notes == ("not found: beard",)


def test_the_face_index_counts_in_the_order(painting):
    image = torch.cat([coloured(painting, 0), coloured(painting, 1)], dim=-1)
    detector = TinyDetector(Coloured())
    config = DetectConfig("mouth", face_order="left-to-right", face_index=1)
    right = detect_attributes([image], detector, config)[0]
    assert right.face.x0 > 128
    assert right.part("mouth").box.x0 > 128
    assert "2 faces found, number 1 taken (left-to-right)" in right.notes
    with pytest.raises(NoFaceError, match="has 2 faces and face_index 2"):
        detect_attributes([image], detector, DetectConfig("mouth", face_index=2))


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
        ({"face_index": -1}, "-1"),
        ({"face_threshold": 1.5}, "1.5"),
        ({"part_threshold": float("nan")}, "nan"),
    ],
)
def test_wrong_settings_are_refused_at_once(values, said):
    with pytest.raises(ConfigError, match=said):
        DetectConfig(**values)


def test_unusable_images_are_refused(painting):
    for image in (painting.image[:2], torch.zeros(1, 3, 1, 1), torch.zeros(3, 40, 40)):
        with pytest.raises(ImageError):
            detect_attributes([image], Painted(painting))


# Loading, choosing, showing


def test_detectors_by_name():
    assert load_detector("tiny").name == "tiny"
    assert load_detector().name == "auto"
    with pytest.raises(MissingDependencyError, match="not part of this version.*landmarks.*tiny"):
        load_detector("grounding-dino")
    with pytest.raises(ConfigError, match="'dlib'.*landmarks"):
        load_detector("dlib")


def test_the_first_detector_that_finds_a_face_answers(painting):
    image = coloured(painting, 0)
    blind, tiny = Painted(painting), TinyDetector(Coloured())
    face = detect_attributes([image], FirstFinding([blind, tiny]), DetectConfig("mouth"))[0]
    assert face.detector == "tiny"
    seen = detect_attributes([painting.image[:1]], FirstFinding([blind, tiny]))[0]
    assert seen.face == Box(*painting.boxes[0]["face"])
    with pytest.raises(NoFaceError, match="auto"):
        detect_attributes([torch.zeros(1, 3, 128, 128)], FirstFinding([blind, tiny]))


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


def test_the_preview_marks_each_part_and_nothing_far_from_the_face(painting):
    image = painting.image[:1]
    config = DetectConfig("face, eyes, nose, mouth, hair", on_missing="pass")
    face = detect_attributes([image], Painted(painting), config)[0]
    shown, plain = preview(image, [face]), preview(image, [])
    assert shown.shape == plain.shape == (1, 3, 512, 512)
    changed = (shown - plain).abs().amax(dim=1)[0] > 0.02
    for part in face.parts:
        box = part.box.scale(4, 4)
        edge = changed[box.y0, box.x0 : box.x1]
        assert edge.float().mean() > 0.8
    assert not changed[400:, :60].any()
    assert preview(torch.zeros(1, 3, 600, 900), []).shape == (1, 3, 600, 900)
