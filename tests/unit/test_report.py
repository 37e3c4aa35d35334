"""The sheet is drawn whole whatever is missing, and shows the pictures it was given."""

import math

import pytest
import torch

from facea_core.io.figures import (
    ACCENT,
    MOST_PIXELS,
    PAPER,
    Sheet,
    Tile,
    draw_grid,
    draw_losses,
    draw_sheet,
    draw_tiles,
    nice_step,
    running_mean,
    thin_out,
)


def tile(red: float, size: tuple[int, int] = (64, 64), caption: str = "") -> Tile:
    image = torch.zeros(1, 3, *size)
    image[:, 0] = red
    return Tile(image, caption)


def sheet(**parts) -> Sheet:
    return Sheet("FaceA demo", "seed 0", **{**dict.fromkeys(FULL, ()), **parts})


RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)

FULL = {
    "photos": [tile(1.0, caption=f"photo {i}") for i in range(3)],
    "heldout": [tile(0.9) for _ in range(8)],
    "pictures": [tile(0.8, caption="before"), tile(0.7, caption="after")],
    "previews": [tile(0.6, caption=f"step {i}") for i in range(30)],
    "losses": [(i, 1 / (i + 1)) for i in range(0, 100, 10)],
    "scores": [("similarity", "0.70"), ("copy-paste", "0.01")],
}


def test_a_full_sheet_is_one_picture_in_range():
    drawn = draw_sheet(sheet(**FULL))
    assert drawn.shape[:2] == (1, 3)
    assert drawn.shape[3] == 1600
    assert 0 <= drawn.min() <= drawn.max() <= 1


def test_each_picture_appears():
    drawn = draw_sheet(sheet(**FULL))[0]
    pure_red = (drawn[1] == 0) & (drawn[2] == 0)
    shades = set((drawn[0][pure_red] * 10).round().int().tolist())
    assert {10, 9, 8, 7, 6} <= shades


@pytest.mark.parametrize("part", sorted(FULL))
def test_any_part_alone_and_any_part_missing(part: str):
    alone = draw_sheet(sheet(**{part: FULL[part]}))
    missing = draw_sheet(sheet(**{name: FULL[name] for name in FULL if name != part}))
    whole = draw_sheet(sheet(**FULL))
    assert alone.shape[2] < whole.shape[2]
    assert missing.shape != whole.shape or not torch.equal(missing, whole)


def test_pictures_keep_their_proportions():
    drawn = draw_sheet(sheet(pictures=[tile(1.0, size=(40, 80))]))[0]
    rows, columns = ((drawn[0] == 1) & (drawn[1] == 0)).nonzero().T
    height, width = (int(axis.max() - axis.min()) + 1 for axis in (rows, columns))
    assert width == 2 * height


@pytest.mark.parametrize(
    "losses",
    [[], [(10, 0.5)], [(10, math.nan), (20, math.inf)], [(10, 0.0), (20, 0.0)], [(1, 1e9), (2, 3)]],
)
def test_odd_losses_still_give_a_sheet(losses):
    drawn = draw_sheet(sheet(losses=losses, scores=[("a", "b")]))
    # With a curve where two of them are numbers, and as high as the sheet without any.
    numbers = [loss for _, loss in losses if math.isfinite(loss)]
    assert of_colour(drawn, ACCENT).any() == (len(numbers) > 1)


def test_thinning_keeps_the_first_and_the_last():
    tiles = [tile(i / 30) for i in range(30)]
    kept = thin_out(tiles, 9)
    assert len(kept) == 9
    assert kept[0] is tiles[0]
    assert kept[-1] is tiles[-1]
    assert thin_out(tiles[:3], 9) == tiles[:3]


@pytest.mark.parametrize("span", [1e-4, 0.03, 1, 7, 100, 12345])
def test_ticks_are_few_and_round(span: float):
    step = nice_step(span, 5)
    assert span / step <= 5
    assert round(step / 10 ** math.floor(math.log10(step * 1.0001)), 6) in (1, 2, 5)


def test_running_mean_of_a_constant_is_the_constant():
    assert running_mean([2.0] * 7, 2) == [2.0] * 7
    assert running_mean([1.0, 2.0, 3.0], 1) == [1.5, 2.0, 2.5]


@pytest.mark.parametrize(
    ("count", "columns", "rows"), [(1, 1, 1), (4, 4, 1), (5, 5, 1), (6, 5, 2), (11, 5, 3)]
)
def test_tiles_stand_in_rows_of_five_in_reading_order(count: int, columns: int, rows: int):
    shades = [(i + 5) / 20 for i in range(count)]
    drawn = draw_tiles([tile(shade, caption=f"step {i}") for i, shade in enumerate(shades)])
    assert drawn.shape[:2] == (1, 3)
    assert drawn.shape[3] == columns * (256 + 20) + 20
    assert rows * 276 < drawn.shape[2] <= rows * (256 + 36 + 20) + 20
    height = (drawn.shape[2] - 20) // rows
    for i, shade in enumerate(shades):
        row, column = divmod(i, 5)
        middle = drawn[0, :, 20 + row * height + 128, 20 + column * 276 + 128]
        assert middle.tolist() == pytest.approx([shade, 0, 0], abs=0.005)


def test_tiles_keep_their_proportions_and_have_their_captions():
    bare, captioned = draw_tiles([tile(1.0, (40, 80))]), draw_tiles([tile(1.0, (40, 80), "step 1")])
    red = (bare[0, 0] == 1) & (bare[0, 1] == 0)
    rows, columns = red.nonzero().T
    assert int(columns.max() - columns.min()) + 1 == 256
    assert int(rows.max() - rows.min()) + 1 == 128
    assert captioned.shape[2] > bare.shape[2]
    ink = (captioned[0, :, bare.shape[2] - 20 :] < 0.5).all(0)
    assert ink.any()


def of_colour(drawn: torch.Tensor, colour: tuple[int, int, int]) -> torch.Tensor:
    wanted = torch.tensor(colour).view(3, 1, 1) / 255
    return ((drawn[0] - wanted).abs() < 0.06).all(0)


@pytest.mark.parametrize(
    ("losses", "curve"),
    [
        ([], False),
        ([(10, 0.5)], False),
        ([(10, math.nan), (20, math.inf), (30, 0.5)], False),
        ([(10, 0.5), (20, 0.5), (30, 0.5)], True),
        ([(10, 0.0), (20, 0.0)], True),
        ([(1, 0.9), (2, math.nan), (3, 0.2)], True),
        ([(1, 1e9), (2, 1e-9)], True),
    ],
)
def test_losses_are_a_curve_where_two_of_them_are_numbers(losses, curve: bool):
    drawn = draw_losses(losses)
    assert drawn.shape == (1, 3, 430, 1000)
    assert of_colour(drawn, ACCENT).any() == curve
    # Without a curve a line says why.
    assert torch.equal(drawn, draw_losses([])) == (not curve)
    assert of_colour(drawn, PAPER).float().mean() > 0.8


def test_a_flat_loss_is_a_flat_line_and_a_falling_one_falls():
    def ends(losses) -> list[float]:
        rows, columns = of_colour(draw_losses(losses), ACCENT).nonzero().T
        return [
            float(rows[columns == edge].float().mean()) for edge in (columns.min(), columns.max())
        ]

    first, last = ends([(i, 0.5) for i in range(1, 11)])
    assert abs(first - last) < 2
    first, last = ends([(i, 1 / i) for i in range(1, 11)])
    # Rows are counted from the top.
    assert last > first + 100


def test_a_grid_repeats_one_picture_and_leaves_places_empty():
    red, blue = (torch.tensor(rgb).view(1, 3, 1, 1).expand(1, 3, 32, 32) for rgb in (RED, BLUE))
    page, notes = draw_grid([("a", [red]), ("b", [blue, blue])], side=64)
    assert page.shape == (1, 3, 52 + 2 * 84, 20 + 2 * 84)
    middle = [
        page[0, :, 52 + 32 + row * 84, 52 + column * 84] for row in (0, 1) for column in (0, 1)
    ]
    expected = [torch.tensor(rgb) for rgb in (RED, BLUE, RED, BLUE)]
    assert all(torch.allclose(one, other) for one, other in zip(middle, expected, strict=True))
    short, _ = draw_grid([("a", [red, red, red]), ("b", [blue, blue])], side=64)
    assert short[0, :, 52 + 32 + 2 * 84, 52 + 84].min() > 0.9
    assert notes == []


def test_a_grid_of_very_many_pictures_fits_on_a_page():
    pictures = [torch.zeros(1, 3, 8, 8)] * 300
    page, notes = draw_grid([("a", pictures), ("b", pictures)], side=1024)
    assert page[0, 0].numel() <= 1.1 * MOST_PIXELS
    assert [note.split(" ")[0:2] for note in notes] == [["the", "first"], ["the", "pictures"]]
