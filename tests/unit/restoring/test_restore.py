"""A photo is repaired from what it still shows, and what comes out is that photo once more."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from facea_core.backbone import Backbone, load_backbone
from facea_core.composing import ComposeConfig, TargetFace
from facea_core.demo import draw_cast
from facea_core.errors import ConfigError, MaskError
from facea_core.io.images import luma_of
from facea_core.restoring.config import RestoreConfig
from facea_core.restoring.degrade import LEVELS, Damage, damp, degrade, enlarged
from facea_core.restoring.detail import detail_left, strength_for
from facea_core.restoring.evidence import Evidence, held_image, low_band
from facea_core.restoring.repair import DamagedPhoto
from facea_core.restoring.restore import Restored, restore_faces

SIDE = 128
BLURRED = Damage(scale=4, blur=1.5)
QUICK = ComposeConfig(steps=3, context_factor=1.5)


@pytest.fixture(scope="module")
def tiny() -> Backbone:
    return load_backbone("tiny")


@pytest.fixture(scope="module")
def clean() -> Tensor:
    return draw_cast(3).heldout.image[:1]


def damaged(clean: Tensor, damage: Damage) -> Tensor:
    """The photo at the size of the clean picture."""
    return enlarged(degrade(clean, damage, 1), (clean.shape[-2], clean.shape[-1]))


def evidence_of(clean: Tensor, damage: Damage, small: Tensor | None = None) -> Evidence:
    evidence = Evidence.of(clean, damage)
    return replace(evidence, small=damp(clean, damage) if small is None else small)


def mask(side: int = SIDE) -> Tensor:
    inside = torch.zeros(1, 1, side, side)
    inside[..., side * 30 // 128 : side * 110 // 128, side * 30 // 128 : side * 100 // 128] = 1
    return inside


def man(side: int = SIDE) -> TargetFace:
    return TargetFace(mask(side), prompt="a photo of a man")


def repaired(
    photo: DamagedPhoto, backbone: Backbone, painting: ComposeConfig = QUICK, **config
) -> Restored:
    return restore_faces(photo, [man()], backbone, RestoreConfig(**config), painting)


def greyness(image: Tensor) -> float:
    """The largest difference of two colours of a pixel, in levels of 255."""
    return 255 * float((image.amax(1) - image.amin(1)).max())


def test_the_clean_picture_lacks_nothing(clean: Tensor):
    evidence = evidence_of(clean, BLURRED)
    assert float(evidence.lacking(clean, 1.0).abs().max()) < 1e-5
    assert evidence.consistency(clean, mask()) > 90
    assert evidence.consistency(1 - clean, mask()) < 20


def test_what_may_be_noise_says_nothing(clean: Tensor):
    noisy = Damage(scale=4, noise=20)
    evidence = evidence_of(clean, noisy)
    assert not evidence.lacking(clean + 30 / 255, 0.5).any()
    assert evidence.lacking(clean + 90 / 255, 0.5).any()


@pytest.mark.parametrize("grey", [False, True])
def test_an_image_is_moved_towards_the_photo(clean: Tensor, grey: bool):
    damage = Damage(scale=4, blur=1.5, grey=grey)
    evidence = evidence_of(clean, damage, degrade(clean, damage, 0))
    other = draw_cast(5).heldout.image[:1]
    found = [
        evidence.consistency(held_image(other, evidence, fidelity), mask())
        for fidelity in (0.0, 0.5, 1.0)
    ]
    assert evidence.consistency(other, mask()) < found[0] < found[1] < found[2]
    held = held_image(other, evidence, 1.0)
    assert (float((held - held[:, :1]).abs().max()) == 0) == grey


def test_the_lower_the_fidelity_the_less_of_the_photos_noise_is_painted(clean: Tensor):
    severe = LEVELS["severe"]
    evidence = evidence_of(clean, severe, degrade(clean, severe, 0))
    moved = [
        float((held_image(clean, evidence, fidelity) - clean).square().mean())
        for fidelity in (0.0, 0.5, 1.0)
    ]
    assert moved[0] < 0.5 * moved[1] < 0.5 * moved[2]


def test_a_photo_that_shows_most_of_its_detail_holds_coarse_colours_wholly(clean: Tensor):
    evidence = evidence_of(clean, LEVELS["mild"])
    wrong = (clean + low_band(torch.rand(1, 3, SIDE, SIDE), 3) - 0.5).clamp(0, 1)
    apart = [
        float((low_band(held_image(wrong, evidence, 0.0, detail) - clean, 3)).abs().mean())
        for detail in (0.5, 0.6, 0.7, 1.0)
    ]
    assert apart[0] > apart[1] > apart[2] == apart[3]
    assert apart[3] < 0.3 * apart[0]


def test_a_scratch_says_nothing_and_all_else_as_before(clean: Tensor):
    lost = torch.zeros(1, 1, SIDE, SIDE)
    lost[..., 60:63] = 1
    scratched = torch.where(lost > 0, 1.0, clean)
    evidence = Evidence.of(scratched, Damage(scale=2, blur=1), lost)
    assert not evidence.known[..., 30:32].any()
    assert evidence.known[..., :25].all()
    truth = replace(evidence_of(clean, Damage(scale=2, blur=1)), known=evidence.known)
    assert not (truth.lacking(clean, 1.0).abs() > 1e-5).any()
    # Colours beside a scratch go on across it: nothing white is left.
    held = held_image(clean, replace(evidence, small=truth.small), 1.0)
    assert float((held - clean).abs().max()) < 0.1


def test_the_low_band_keeps_what_is_even_and_loses_what_is_fine():
    flat = torch.full((1, 3, 32, 48), 0.3)
    assert torch.allclose(low_band(flat, 4), flat)
    fine = (torch.arange(48) % 2).float().expand(1, 3, 32, 48)
    assert float((low_band(fine, 1) - 0.5).abs()[..., 2:-2].max()) < 1e-6
    assert torch.isfinite(low_band(torch.rand(1, 3, 3, 5), 5)).all()


@pytest.mark.parametrize("level", ["middle", "old"])
def test_only_the_mask_changes_and_fidelity_is_what_it_says(
    tiny: Backbone, clean: Tensor, level: str
):
    photo = DamagedPhoto(damaged(clean, LEVELS[level]), damage=LEVELS[level])
    found = []
    for fidelity in (0.0, 0.5, 1.0):
        made = repaired(photo, tiny, fidelity=fidelity)
        outside = made.composition.mask == 0
        assert torch.equal(made.composition.image * outside, photo.image * outside)
        assert made.faces[0].damage == LEVELS[level]
        found.append(made.faces[0].consistency)
        assert made.strips[0].shape == (1, 3, SIDE, 3 * SIDE)
        assert (greyness(made.composition.image) < 1) == (level == "old")
    assert found[0] < found[1] < found[2]


def test_a_grey_photo_may_be_coloured_and_keeps_its_brightness(tiny: Backbone, clean: Tensor):
    photo = DamagedPhoto(damaged(clean, LEVELS["old"]), damage=LEVELS["old"])
    kept, free = (repaired(photo, tiny, colour=colour) for colour in ("keep", "free"))
    assert greyness(free.composition.image) > 20 > greyness(kept.composition.image)
    apart = luma_of(free.composition.image - kept.composition.image).abs()
    assert float(apart.mean()) < 0.02
    assert free.faces[0].consistency == pytest.approx(kept.faces[0].consistency, abs=3)


@pytest.mark.parametrize("scale", [2, 3])
def test_the_result_is_as_many_times_larger(tiny: Backbone, clean: Tensor, scale: int):
    small = degrade(clean, Damage(scale=2), 0)
    photo, side = DamagedPhoto(small), small.shape[-1]
    made = restore_faces(photo, [man(side)], tiny, RestoreConfig(scale=scale), QUICK).composition
    assert made.image.shape == (1, 3, side * scale, side * scale)
    large = enlarged(small, (side * scale, side * scale))
    assert torch.equal(made.image * (made.mask == 0), large * (made.mask == 0))


def test_a_known_enlargement_is_no_damage_of_its_own(tiny: Backbone, clean: Tensor):
    photo = DamagedPhoto(degrade(clean, LEVELS["middle"], 0))
    faces = [man(photo.image.shape[-1])]
    scales = [
        restore_faces(photo, faces, tiny, RestoreConfig(scale=scale), QUICK).faces[0].damage.scale
        for scale in (1, 4)
    ]
    assert scales[0] == pytest.approx(scales[1], rel=0.2)


def test_a_face_larger_than_the_model_paints_is_told(tiny: Backbone, clean: Tensor):
    noise = torch.randn(1, 3, 512, 512, generator=torch.Generator().manual_seed(0)) * 10 / 255
    photo = DamagedPhoto((enlarged(clean, (512, 512)) + noise).clamp(0, 1))
    made = restore_faces(photo, [man(512)], tiny, painting=QUICK)
    assert "fine detail is gone" in made.composition.notes[0]
    # Shrunk four times on its way to the model, the photo has a quarter of its noise.
    assert made.faces[0].damage.noise < 6


def test_good_faces_are_left_alone_and_told(tiny: Backbone, clean: Tensor):
    good = repaired(DamagedPhoto(clean), tiny, only_worse_than=0.55)
    assert torch.equal(good.composition.image, clean)
    assert not good.faces
    assert "left alone" in good.composition.notes[0]
    bad = repaired(DamagedPhoto(damaged(clean, LEVELS["severe"])), tiny, only_worse_than=0.55)
    assert len(bad.faces) == 1


def test_scratches_are_painted_over(tiny: Backbone, clean: Tensor):
    lost = torch.zeros(1, 1, SIDE, SIDE)
    lost[..., 20:120, 62:65] = 1
    photo = DamagedPhoto(torch.where(lost > 0, 1.0, clean), damage=Damage(), scratches=lost)
    made = repaired(photo, tiny).composition.image
    white = (made * lost).sum() / lost.sum() / 3
    assert float(white) < float((clean * lost).sum() / lost.sum() / 3) + 0.1
    with pytest.raises(MaskError):
        repaired(replace(photo, scratches=lost + float("nan")), tiny)


def test_a_cleaned_photo_is_only_where_painting_starts(tiny: Backbone, clean: Tensor):
    middle = LEVELS["middle"]
    photo = DamagedPhoto(damaged(clean, middle), damage=middle)
    helped = replace(photo, cleaned=clean)
    alone, made = (repaired(one, tiny, strength=0.2) for one in (photo, helped))
    errors = [
        float(((one.composition.image - clean).abs() * mask()).mean()) for one in (alone, made)
    ]
    assert errors[1] < errors[0]
    # Held to the photo all the same, and to nothing outside the mask.
    assert torch.equal(made.composition.image * (1 - made.composition.mask).floor(),
                       photo.image * (1 - made.composition.mask).floor())  # fmt: skip
    # Another person's picture does not get through.
    other = repaired(
        replace(photo, cleaned=draw_cast(5).heldout.image[:1]), tiny, strength=0.2, fidelity=1.0
    )
    assert other.faces[0].consistency > 20


def test_grain_is_that_of_the_photo(tiny: Backbone, clean: Tensor):
    noisy = Damage(scale=2, noise=20)
    photo = DamagedPhoto(damaged(clean, noisy), damage=noisy)
    plain, grainy = (repaired(photo, tiny, grain=grain).composition for grain in (0.0, 1.0))
    apart = (grainy.image - plain.image)[(plain.mask == 1).expand_as(plain.image)]
    assert float(apart.std()) * 255 == pytest.approx(20, rel=0.5)


def test_of_several_candidates_the_most_consistent_is_kept(tiny: Backbone, clean: Tensor):
    severe = LEVELS["severe"]
    photo = DamagedPhoto(damaged(clean, severe), damage=severe)
    made = repaired(photo, tiny, ComposeConfig(steps=2, candidates=3), fidelity=0.0)
    (choice,) = made.composition.choices
    assert len(choice.likeness) == 3
    liked = repaired(photo, tiny, ComposeConfig(steps=2, candidates=3, seed=5))
    assert len(liked.faces) == 1


def test_likeness_is_told_before_and_after(tiny: Backbone, clean: Tensor):
    photo = DamagedPhoto(damaged(clean, BLURRED), damage=BLURRED)
    made = restore_faces(
        photo, [man()], tiny, painting=QUICK, rank=lambda face, patch: float(patch.mean())
    )
    before, after = made.faces[0].likeness
    assert before != after
    assert len(made.composition.choices) == 0


def test_damage_is_estimated_where_it_is_not_said(tiny: Backbone, clean: Tensor):
    made = repaired(DamagedPhoto(damaged(clean, LEVELS["severe"])), tiny)
    assert 5 <= made.faces[0].damage.scale <= 12


@pytest.mark.parametrize("native", [128, 512, 1024])
def test_the_more_damage_the_less_detail_and_the_more_is_painted(native: int):
    for worse in (
        [Damage(scale=scale) for scale in (1, 1.5, 3, 8, 40)],
        [Damage(blur=blur) for blur in (0, 1, 3, 10)],
        [Damage(scale=2, noise=noise) for noise in (0, 5, 20, 80)],
    ):
        left = [detail_left(damage, native) for damage in worse]
        assert left == sorted(left, reverse=True)
        assert 0 <= left[-1] < left[0] <= 1
        strengths = [strength_for(detail) for detail in left]
        assert strengths == sorted(strengths)
        assert strengths[-1] <= 1
    assert detail_left(Damage(), native) > 0.99


@pytest.mark.parametrize(
    "values",
    [{"strength": -0.1}, {"fidelity": 1.5}, {"scale": 5}, {"colour": "blue"}, {"grain": 2.0}],
)
def test_values_out_of_range_are_refused(values):
    with pytest.raises(ConfigError):
        RestoreConfig(**values)
