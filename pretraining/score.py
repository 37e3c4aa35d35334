"""How good the miniature is, on people it has never seen."""

from __future__ import annotations

import torch
from torch import Tensor

from facea_core.backbone import Backbone, latent_mask, masked_image
from facea_core.composing import ComposeConfig
from facea_core.detection.detect import DetectConfig, detect_faces
from facea_core.detection.painted import TinyDetector
from facea_core.detection.painted_model import PartDetector
from facea_core.evaluation.crops import face_crop
from facea_core.evaluation.identity_encoder import AttributeProbe, IdentityEncoder
from facea_core.synthetic import render
from facea_core.synthetic.painting import Painting
from facea_core.synthetic.parameters import GEOMETRY
from facea_core.types import Box

from .dataset import FEATURES, HEAD, draw_pool, inpaint_masks, paint_pool
from .encoder import ASKED, SIDE, Heads, Rebuild, classes, paint_heads
from .repaint import head_masks, reconstruct, repaint

UNSEEN = 7_000_001
TIMES = (100, 300, 500, 700, 900)
MEASURES = ("eye_spacing", "nose_width", "mouth_width")


def equal_error_rate(same: Tensor, other: Tensor) -> float:
    """Share of wrong answers at the threshold where both kinds of mistake are equally frequent."""
    limits = torch.cat([same, other]).sort().values
    missed = torch.searchsorted(same.sort().values, limits).float() / len(same)
    taken = 1 - torch.searchsorted(other.sort().values, limits).float() / len(other)
    return float(((missed + taken) / 2)[(missed - taken).abs().argmin()])


@torch.no_grad()
def score_autoencoder(backbone: Backbone, count: int = 64) -> dict[str, float]:
    """Peak signal-to-noise ratio in dB: of the picture, in the head's box, on its features."""
    pool = paint_pool(count, 1, UNSEEN)
    errors: dict[str, list[float]] = {"": [], "_head": [], "_features": []}
    for start in range(0, count, 16):
        image, masks = pool.batch(torch.arange(start, min(start + 16, count)), backbone.device)
        rebuilt = backbone.decode(backbone.encode_image(image).sample())
        square = (rebuilt - image).square()
        errors[""] += square.mean(dim=(1, 2, 3)).tolist()
        for row, mask in zip(square, masks, strict=True):
            ys, xs = (mask[:2].amax(dim=0) > 0.5).nonzero(as_tuple=True)
            head = row[:, ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
            errors["_head"].append(float(head.mean()))
            features = mask[FEATURES].amax(dim=0) > 0.5
            errors["_features"].append(float(row[:, features].mean()))
    return {
        f"autoencoder_psnr{name}": float(-10 * torch.tensor(values).mean().log10())
        for name, values in errors.items()
    }


@torch.no_grad()
def score_denoiser(backbone: Backbone, count: int = 256) -> dict[str, float]:
    """Mean squared error inside head-sized masks: of v over the schedule, of x0 at five times."""
    pool = paint_pool(count, 1, UNSEEN)
    generator = torch.Generator().manual_seed(UNSEEN)
    names = ["denoiser_masked_loss", *(f"denoiser_x0_at_{time}" for time in TIMES)]
    total = dict.fromkeys(names, 0.0)
    weight = 0.0
    for start in range(0, count, 32):
        index = torch.arange(start, start + 32)
        image, masks = pool.batch(index, backbone.device)
        mask = inpaint_masks(masks, torch.full((32,), HEAD, device=backbone.device), generator)
        said = backbone.text.encode(render.describe_all(pool.people[index], pool.scenes[index]))
        latent = backbone.encode_image(image).sample()
        masked = backbone.encode_image(masked_image(image, mask)).sample()
        noise = torch.randn(latent.shape, generator=generator).to(latent)
        small = latent_mask(mask)
        weight += float(small.sum() * latent.shape[1])
        spread = ((torch.arange(32) + 0.5) / 32 * 1000).long()
        for name, time in zip(names, (spread, *TIMES), strict=True):
            timestep = torch.as_tensor(time).expand(32).to(latent.device)
            noisy = backbone.add_noise(latent, noise, timestep)
            output = backbone.predict(noisy, timestep, said, small, masked)
            if isinstance(time, Tensor):
                error = output - backbone.target(latent, noise, timestep)
            else:
                error = backbone.to_x0(output, noisy, timestep) - latent
            total[name] += float((error.square() * small).sum())
    return {name: value / weight for name, value in total.items()}


@torch.no_grad()
def score_captions(backbone: Backbone, probe: AttributeProbe, count: int = 200) -> dict[str, float]:
    """How often a probe reads off a repainted head what the caption said, in pictures of others.

    As in composing, the mask is where somebody else's head was. `probe_` says how often the probe
    is right about the painter's own paintings.
    """
    people, scenes = draw_pool(count, 1, UNSEEN + 2)
    hosts = render.sample_people(count, torch.Generator().manual_seed(UNSEEN + 3))
    device = next(probe.parameters()).device
    right: dict[str, list[float]] = {
        f"{kind}_{name}": [] for kind in ("caption", "probe") for name in ASKED
    }
    for start in range(0, count, 20):
        rows = slice(start, start + 20)
        answer = render.paint(people[rows], scenes[rows])
        host = render.paint(hosts[rows], scenes[rows])
        mask = head_masks(host, start)
        images = repaint(backbone, host.image, mask, answer.captions, ComposeConfig(), start)
        wanted = classes(people[rows], scenes[rows])
        haired = wanted["hair_style"] != 0
        for kind, shown in (("caption", images), ("probe", answer.image)):
            seen = probe.look(_crops(shown, answer).to(device)).classes
            for name in ASKED:
                good = (seen[name].argmax(dim=1).cpu() == wanted[name]).float()
                right[f"{kind}_{name}"] += (
                    good[haired] if name == "hair_colour" else good
                ).tolist()
    found = {name: sum(values) / len(values) for name, values in right.items()}
    for kind in ("caption", "probe"):
        found[f"{kind}_agreement"] = sum(found[f"{kind}_{name}"] for name in ASKED) / len(ASKED)
    return found


def _crops(images: Tensor, painted: Painting) -> Tensor:
    faces = zip(images.split(1), painted.boxes, strict=True)
    return torch.cat([face_crop(image, Box(*boxes["face"]), SIDE) for image, boxes in faces])


@torch.no_grad()
def score_encoder(
    probe: AttributeProbe, device: str, rebuild: Rebuild, groups: int = 200
) -> dict[str, float]:
    """Paintings against paintings, and what the model made of paintings against paintings."""
    heads = paint_heads(groups, UNSEEN, device, rebuild)
    vectors = _vectors(probe.encoder, heads, device)
    first, twins = vectors[:, 0], vectors[:, 1]
    mine = torch.eye(groups, dtype=torch.bool)
    scores: dict[str, float] = {}
    for kind, view in (("", 1), ("_repainted", 2)):
        likeness = torch.einsum("gd,hd->gh", first[:, view], first[:, 0])
        twin = torch.einsum("gd,gd->g", first[:, view], twins[:, 0])
        same, other = likeness[mine], likeness[~mine]
        scores |= {
            f"encoder_equal_error_rate{kind}": equal_error_rate(same, other),
            f"encoder_equal_error_rate_twins{kind}": equal_error_rate(same, twin),
            f"encoder_rank1{kind}": float(
                (likeness.argmax(1) == torch.arange(groups)).float().mean()
            ),
            f"encoder_same_mean{kind}": float(same.mean()),
            f"encoder_other_mean{kind}": float(other.mean()),
            f"encoder_twin_mean{kind}": float(twin.mean()),
        }
    crops = heads.crops[:, :, 0].flatten(0, 1).to(device).float() / 255
    guess = torch.cat([probe.look(part).geometry.cpu() for part in crops.split(100)])
    truth = render.geometry(heads.people.flatten(0, 1))
    unexplained = (guess - truth).square().mean(dim=0) / truth.var(dim=0, unbiased=False)
    r2 = dict(zip(GEOMETRY, (1 - unexplained).tolist(), strict=True))
    scores |= {f"encoder_r2_{name}": r2[name] for name in MEASURES}
    return {**scores, "encoder_r2_mean": sum(r2.values()) / len(r2)}


def _vectors(model: IdentityEncoder, heads: Heads, device: str) -> Tensor:
    crops = heads.crops.flatten(0, 2).split(100)
    vectors = torch.cat([model(crop.to(device).float() / 255) for crop in crops])
    return vectors.view(*heads.crops.shape[:3], -1).cpu()


@torch.no_grad()
def score_detector(model: PartDetector, backbone: Backbone, count: int = 100) -> dict[str, float]:
    """Mean intersection over union of boxes, over parts that are there; a miss counts 0."""
    people, scenes = draw_pool(count, 1, UNSEEN)
    painted = [render.paint(*rows) for rows in zip(people.split(20), scenes.split(20), strict=True)]
    detector, config = TinyDetector(model.cpu()), DetectConfig(attributes=render.PARTS)
    scores: dict[str, float] = {}
    for kind in ("", "_repainted"):
        shares: dict[str, list[float]] = {part: [] for part in render.PARTS}
        for group in painted:
            images = reconstruct(backbone, group) if kind else group.image
            for image, boxes in zip(images.split(1), group.boxes, strict=True):
                faces = detect_faces(image, detector, config)
                for name, true in boxes.items():
                    part = faces[0].part(name) if faces else None
                    shares[name].append(part.box.iou(Box(*true)) if part else 0.0)
        means = {f"detector_iou{kind}_{part}": sum(v) / len(v) for part, v in shares.items()}
        scores |= {f"detector_iou{kind}": sum(means.values()) / len(means), **means}
    return scores
