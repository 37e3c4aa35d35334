"""Deterministic, anti-aliased painter of stylised faces.

`paint(people, scenes)` turns numbers into images with exact masks, boxes and captions. The same
numbers give the same bytes on the same kind of device: nothing is random, the global generator is
never touched, and on a CPU an image is the same whether painted alone or in a batch, with one
thread or many (`facea_core.synthetic.sdf` says how). A GPU may round the last bits otherwise.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .backdrop import backdrop, blend
from .captions import (
    VOCABULARY,
    class_noun,
    describe,
    describe_all,
    describe_part,
    describe_part_all,
)
from .features import (
    beard_distance,
    moustache_alpha,
    paint_brows,
    paint_eyes,
    paint_freckles,
    paint_glasses,
    paint_mouth,
    paint_nose,
)
from .hair import hair_behind, hair_in_front, waved
from .look import Look, look_of
from .painting import Painting
from .parameters import (
    GEOMETRY,
    IDENTITY_SIZE,
    LABELS,
    SCENE_SIZE,
    geometry,
    labels,
    sample_people,
    sample_scenes,
)
from .sdf import bump, coverage, ellipse, hue, soft, squircle

__all__ = [
    "GEOMETRY",
    "IDENTITY_SIZE",
    "LABELS",
    "PARTS",
    "SCENE_SIZE",
    "VOCABULARY",
    "Painting",
    "class_noun",
    "describe",
    "describe_all",
    "describe_part",
    "describe_part_all",
    "geometry",
    "labels",
    "paint",
    "sample_people",
    "sample_scenes",
]

PARTS = ("face", "hair", "eyebrows", "eyes", "nose", "mouth")

# Windows (left, top, right, bottom) in image units [-1,1] that hold a thing in every pose, so
# that it costs no work elsewhere; a test paints without them and compares.
WINDOWS = {
    "body": (-1.0, 0.08, 1.0, 1.0),
    "ears": (-0.84, -0.36, 0.84, 0.58),
    "head": (-0.78, -0.76, 0.78, 0.92),
    "beard": (-0.78, -0.34, 0.78, 0.95),
    "shine": (-0.78, -1.0, 0.78, 0.26),
    "freckles": (-0.62, -0.22, 0.62, 0.64),
    "nose": (-0.46, -0.20, 0.46, 0.68),
    "mouth": (-0.66, -0.06, 0.66, 1.0),
    "eyes": (-0.70, -0.46, 0.70, 0.44),
    "eyebrows": (-0.70, -0.68, 0.70, 0.26),
    "glasses": (-0.80, -0.46, 0.80, 0.56),
}
_CPU_CHUNK = 8
_GPU_CHUNK = 64


class _Window:
    """A rectangle of the image, the same for every person."""

    def __init__(self, box: tuple[float, float, float, float], size: int) -> None:
        edge = [(v + 1.0) * 0.5 * size for v in box]
        self.columns = slice(max(0, int(edge[0])), min(size, int(edge[2]) + 1))
        self.rows = slice(max(0, int(edge[1])), min(size, int(edge[3]) + 1))

    def __call__(self, t: Tensor) -> Tensor:
        return t[..., self.rows, self.columns]


def paint(people: Tensor, scenes: Tensor, size: int = 128) -> Painting:
    """Paints people (N, IDENTITY_SIZE) in scenes (N, SCENE_SIZE), numbers in [0,1], any device.

    Images are `size` pixels square. Raises ValueError on other shapes.
    """
    if people.ndim != 2 or people.shape[1] != IDENTITY_SIZE:
        raise ValueError(f"people must be (N, {IDENTITY_SIZE}), not {tuple(people.shape)}")
    if scenes.ndim != 2 or scenes.shape != (len(people), SCENE_SIZE):
        raise ValueError(f"scenes must be ({len(people)}, {SCENE_SIZE}), not {tuple(scenes.shape)}")
    people, scenes = people.detach().float(), scenes.detach().float()
    # Small chunks keep the intermediate images in a CPU's cache; a GPU wants large ones.
    step = _CPU_CHUNK if people.device.type == "cpu" else _GPU_CHUNK
    image = people.new_empty(len(people), 3, size, size)
    masks = {part: people.new_zeros(len(people), 1, size, size) for part in PARTS}
    line = (torch.arange(size, device=people.device, dtype=torch.float32) + 0.5) * (2.0 / size)
    line = line - 1.0
    x, y = line.view(1, 1, 1, -1), line.view(1, 1, -1, 1)
    for start in range(0, len(people), step):
        some = slice(start, start + step)
        out = {part: mask[some] for part, mask in masks.items()}
        _paint_chunk(people[some], scenes[some], x, y, image[some], out)
    return Painting(image, masks, people, scenes)


def _paint_chunk(
    people: Tensor,
    scenes: Tensor,
    across: Tensor,
    down: Tensor,
    out: Tensor,
    masks: dict[str, Tensor],
) -> None:
    """Paints into `out` (n,3,S,S) and into the zeroed `masks`."""
    look = look_of(people, scenes)
    size = across.shape[-1]
    at = {name: _Window(box, size) for name, box in WINDOWS.items()}
    image = backdrop(scenes, across, down)
    pixel = (2.0 / size) / look["scale"]
    px, py = (across - look["x"]) / look["scale"], (down - look["y"]) / look["scale"]
    x = px * look["cos"] + py * look["sin"]
    y = py * look["cos"] - px * look["sin"]
    turned = x - look["yaw"]

    bent = waved(look, x, y)
    behind = coverage(hair_behind(look, x, y, bent), pixel)
    blend(image, behind, look["hair"] * 0.72)
    body = at["body"]
    covered = _paint_body(body(image), look, px, py[..., body.rows, :], pixel)
    body(behind).mul_(1.0 - covered)
    _paint_ears(at["ears"](image), look, at["ears"](x), at["ears"](y), pixel)

    skull, chin = at["head"], at["beard"]
    outline = torch.ones_like(x)
    skull(outline).copy_(_head_distance(look, skull(x), skull(y)))
    head = coverage(outline, pixel)
    blend(skull(image), skull(head), _skin(look, skull(x), skull(y)))
    beard = _paint_beard(chin(image), look, chin(turned), chin(y), chin(outline), chin(head), pixel)
    chin(head).copy_(torch.maximum(chin(head), beard))
    front = coverage(hair_in_front(look, x, y, bent), pixel)
    blend(image, front, look["hair"] * (1.03 - 0.16 * y).clamp_(0.85, 1.0))
    _paint_shine(at["shine"](image), look, at["shine"](x), at["shine"](y), at["shine"](front))
    torch.mul(head, 1.0 - front, out=masks["face"])
    torch.maximum(front, behind.mul_(1.0 - head), out=masks["hair"])

    def feature(name: str, painter: Callable[..., Tensor]) -> Tensor:
        window = at[name]
        return painter(window(image), look, window(turned), window(y), pixel)

    feature("freckles", paint_freckles)
    for part, painter in (("nose", paint_nose), ("mouth", paint_mouth), ("eyes", paint_eyes)):
        at[part](masks[part]).copy_(feature(part, painter))
    brows = feature("eyebrows", paint_brows)
    at["eyebrows"](masks["eyebrows"]).copy_(brows)
    at["eyebrows"](masks["eyes"]).mul_(1.0 - brows)
    free = 1.0 - feature("glasses", paint_glasses)
    for part in ("nose", "eyes", "eyebrows"):
        at["glasses"](masks[part]).mul_(free)

    warm = look["warmth"]
    tint = torch.cat([1.0 + warm, torch.ones_like(warm), 1.0 - warm], dim=1)
    torch.clamp(image.mul_(tint), 0.0, 1.0, out=out)


def _head_distance(look: Look, x: Tensor, y: Tensor) -> Tensor:
    """Distance to the head: an elliptic skull and a jaw that tapers and is more or less square."""
    t = (y / look["chin"]).clamp_(0.0, 1.0)
    a = look["width"] * (1.0 - look["taper"] * t * t)
    b = torch.where(y > 0.0, look["chin"], look["top"])
    return squircle(x / a, y / b, a, b, look["square"] * (y > 0.0))


def _skin(look: Look, x: Tensor, y: Tensor) -> Tensor:
    """Skin lit from one side, with blushing cheeks."""
    side = x / look["width"]
    light = 1.0 + look["light"] * (0.11 * look["light_x"] * side - 0.05 * y - 0.05 * side * side)
    colour = look["skin"] * light
    cx = x.abs() - look["width"] * 0.60
    cy = y - look["nose_y"] - 0.02
    blush = bump((cx * cx + cy * cy) / 0.026) * look["cheek"]
    red = torch.tensor([0.06, -0.10, -0.08], device=x.device).view(1, 3, 1, 1)
    return colour.add_(red * blush)


def _paint_shine(image: Tensor, look: Look, x: Tensor, y: Tensor, front: Tensor) -> None:
    """One soft highlight across the crown."""
    a = look["width"] + look["style_out"]
    b = look["top"] + look["style_up"]
    u, v = x / a, y.clamp(max=0.0) / b
    ring = ((u * u).add_(v * v) - 0.72) / 0.24
    across = (x - look["light_x"] * 0.18) / 0.34
    shine = bump(ring.mul_(ring)).mul_(bump(across.mul_(across))).mul_(front)
    shine = shine.mul_(y < 0.0).mul_(0.85 * look["light"])
    blend(image, shine, look["hair"] * 1.35 + 0.12)


def _paint_body(image: Tensor, look: Look, x: Tensor, y: Tensor, pixel: Tensor) -> Tensor:
    """Neck and clothes in upright coordinates; returns their coverage."""
    # The body follows half of the chin's swing when the head rolls.
    x = x + look["sin"] * 0.3
    half = 0.25 - 0.05 * look["woman"]
    neck_d = torch.maximum(x.abs() - half - 0.22 * (y - 0.62).clamp(min=0.0), 0.2 - y)
    neck = coverage(neck_d, pixel)
    shadow = bump(((y - look["chin"] + 0.02) / 0.30).square())
    blend(image, neck, look["skin"] * (0.92 - 0.26 * shadow))
    body = ellipse(x, y - 1.50, 0.98 - 0.08 * look["woman"], 0.74)
    vee = look["neckline"] > 0.5
    deep = torch.where(vee, y - 0.98 + 1.1 * x.abs(), ellipse(x, y - 0.70, half + 0.08, 0.17))
    shirt_d = torch.maximum(body, -deep)
    shirt = coverage(shirt_d, pixel)
    # Skin only where the neckline leaves it free: it would shine through at the clothes' rim.
    bare = coverage(torch.maximum(body, deep - 0.03), pixel)
    blend(image, bare, look["skin"] * 0.92)
    colour = hue(look["clothes_hue"], 0.58, look["clothes_brightness"])
    light = 1.0 + 0.10 * look["light_x"] * x - 0.20 * (y - 0.8).clamp(min=0.0)
    blend(image, shirt, colour * light)
    collar = coverage(torch.maximum(shirt_d, deep - 0.05), pixel)
    blend(image, collar, colour * 0.72)
    return torch.maximum(neck, coverage(body, pixel))


def _paint_ears(image: Tensor, look: Look, x: Tensor, y: Tensor, pixel: Tensor) -> None:
    ear = look["ear"]
    # Turning the head hides one ear a little and shows the other.
    side = (x + look["yaw"] * 0.4).abs() - look["width"] * 0.985
    level = y - look["eye_y"] - 0.07
    shape = coverage(ellipse(side, level, ear * 0.62, ear), pixel)
    blend(image, shape * look["ears"], look["skin"] * 0.93)
    inner = soft(ellipse(side - ear * 0.08, level, ear * 0.34, ear * 0.6), 0.05)
    blend(image, inner * (0.6 * look["ears"]), look["skin"] * 0.70)


def _paint_beard(
    image: Tensor, look: Look, x: Tensor, y: Tensor, outline: Tensor, head: Tensor, pixel: Tensor
) -> Tensor:
    """Stubble, goatee, full beard and moustache; returns what stands out over the head."""
    region = beard_distance(look, x, y)
    dense = torch.maximum(look["goatee"], look["beard"])
    stands = 0.035 * look["beard"]
    beard = coverage(torch.maximum(region, outline - stands), pixel) * dense
    stubble = soft(region, 0.10) * head * look["stubble"] * 0.38
    blend(image, stubble, look["hair"] * 0.6 + look["skin"] * 0.15)
    tone = look["hair"] * (0.92 - 0.18 * (y - look["mouth_y"]).clamp(0.0, 1.0))
    blend(image, beard, tone)
    blend(image, moustache_alpha(look, x, y, pixel), look["hair"] * 0.84)
    return beard
