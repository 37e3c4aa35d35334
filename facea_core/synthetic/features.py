"""Eyes, brows, nose, mouth, beard and glasses; each painter works in place on a window.

`x` and `y` are head coordinates (N,1,h,w) already shifted by the head's turn, `pixel` (N,1,1,1)
is a pixel's side in head units. Each returns the coverage (N,1,h,w) of what it painted.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .backdrop import blend
from .look import Look
from .sdf import band, bump, circle, coverage, ellipse, rounded_box, soft


def _colour(like: Tensor, *rgb: float) -> Tensor:
    return torch.tensor(rgb, device=like.device).view(1, 3, 1, 1)


def paint_eyes(image: Tensor, look: Look, x: Tensor, y: Tensor, pixel: Tensor) -> Tensor:
    """White, iris, pupil, highlight, lids and lashes of both eyes."""
    side = x.abs() - look["eye_x"]
    w = look["eye_w"]
    h = look["eye_h"] * look["eye_open"]
    level = y - look["eye_y"] - look["eye_tilt"] * side
    u = side / w
    uu = u * u
    profile = (1.0 - uu) * (1.0 + look["eye_fill"] * uu.clamp(max=1.0))
    top = -h * profile
    bottom = h * 0.85 * profile
    # Steep lids would look thick: the vertical distance is brought near to the true one.
    steep = (1.0 + (h / w) * (h / w) * 2.0 * uu.clamp(max=1.0)).sqrt_()
    opening = coverage(band(level, top, bottom) / steep, pixel)

    # Upper lid: a soft fold above the eye.
    lid = soft(band(level, top - 0.055 - 0.02 * profile, bottom), 0.03)
    blend(image, lid * 0.35, look["skin"] * 0.62)
    white = _colour(x, 0.97, 0.97, 0.98)
    shade = 1.0 - 0.22 * ((top * 0.55 - level) / (h * 0.5)).clamp_(0.0, 1.0)
    blend(image, opening, white * shade)

    gx = side - look["gaze_x"] * x.sign()
    gy = level - look["gaze_y"] + 0.06 * h
    iris = look["iris"]
    away = circle(gx, gy, 0.0)
    tone = look["iris_colour"] * (0.82 + 0.55 * ((gy / iris) * 0.5 + 0.5).clamp_(0.0, 1.0))
    blend(image, coverage(away - iris, pixel) * opening, look["iris_colour"] * 0.45)
    blend(image, coverage(away - iris * 0.86, pixel) * opening, tone.clamp_(0.0, 1.0))
    blend(image, coverage(away - iris * 0.50, pixel) * opening, _colour(x, 0.04, 0.03, 0.05))
    glint_x = gx - iris * 0.30 * look["light_x"].sign() * x.sign()
    glint = coverage(circle(glint_x, gy + iris * 0.36, iris * 0.28), pixel)
    blend(image, glint * opening, _colour(x, 1.0, 1.0, 1.0))

    thick = 0.014 + 0.010 * look["woman"]
    # Women's lashes reach out a little at the outer corner.
    reach = thick * (1.0 + 0.8 * look["woman"] * u.clamp(0.0, 1.0))
    lash = coverage(band(level, top - reach, top + thick * 0.6).maximum(side.abs() - w * 1.06),
                    pixel)  # fmt: skip
    blend(image, lash, _colour(x, 0.10, 0.07, 0.08))
    low = coverage(band(level, bottom - 0.004, bottom + 0.010).maximum(side.abs() - w), pixel)
    blend(image, low * 0.45, look["skin"] * 0.45)
    return torch.maximum(opening, lash)


def paint_brows(image: Tensor, look: Look, x: Tensor, y: Tensor, pixel: Tensor) -> Tensor:
    """Both eyebrows, in the hair's colour a little darker."""
    w = look["brow_w"]
    side = x.abs() - look["eye_x"]
    u = side / w
    middle = look["brow_y"] + look["brow_angle"] * side + look["brow_arch"] * (u * u - 0.4)
    half = look["brow_thick"] * (1.0 - 0.45 * (u * 0.5 + 0.5).clamp_(0.0, 1.0))
    d = torch.maximum((y - middle).abs_() - half, side.abs() - w)
    alpha = coverage(d, pixel)
    blend(image, alpha, look["hair"] * 0.72)
    return alpha


def paint_nose(image: Tensor, look: Look, x: Tensor, y: Tensor, pixel: Tensor) -> Tensor:
    """A bridge widening into a tip with nostrils, shaded on the side away from the light."""
    # Standing out from the face, it moves further when the head turns.
    x = x - 0.5 * look["yaw"]
    w = look["nose_w"]
    tip = look["nose_y"]
    start = look["eye_y"] - 0.02
    t = ((y - start) / (tip - start)).clamp(0.0, 1.0)
    half = w * (0.30 + 0.45 * t * t)
    bridge = torch.maximum(x.abs() - half, torch.maximum(start - y, y - tip))
    round_tip = w * (0.40 + 0.30 * look["nose_tip"])
    ball = ellipse(x, y - tip + round_tip * 0.6, w * 0.75, round_tip)
    wings = circle(x.abs() - w * 0.72, y - tip + w * 0.28, w * (0.30 + 0.12 * look["nose_tip"]))
    d = torch.minimum(torch.minimum(bridge, ball), wings)
    alpha = coverage(d, pixel)
    skin = look["skin"]
    # Fading the bridge out towards the eyes keeps the nose from looking pasted on.
    strength = 0.25 + 0.75 * t
    away = (-look["light_x"] * x / w * 0.8 + 0.45).clamp_(0.0, 1.0)
    blend(image, alpha * strength * (0.35 + 0.50 * away), skin * 0.72)
    up = y - tip + round_tip
    blend(image, bump((x * x + up * up) / (w * w * 0.5)) * 0.5, skin * 1.12 + 0.06)
    under = soft(ellipse(x, y - tip - 0.012, w * 1.0, w * 0.30), 0.05)
    blend(image, under * 0.75 * (1.0 - coverage(ball, pixel)), skin * 0.55)
    holes = coverage(ellipse(x.abs() - w * 0.46, y - tip + 0.008, w * 0.24, w * 0.15), pixel)
    blend(image, holes * 0.85, skin * 0.30)
    return alpha


def paint_mouth(image: Tensor, look: Look, x: Tensor, y: Tensor, pixel: Tensor) -> Tensor:
    """Lips with a line between them, or teeth and a dark inside when the mouth is open."""
    w = look["mouth_w"]
    u = x / w
    uu = u * u
    arc = 1.0 - uu
    level = y - look["mouth_y"] + look["smile"] * (uu - 0.35)
    gap = look["gap"]
    inner_top = -0.35 * gap * arc
    inner_low = 0.65 * gap * arc
    # The cupid's bow: a dent in the middle of the upper lip.
    dent = 1.0 - 0.30 * bump(uu * 14.0)
    top = inner_top - look["lip_up"] * arc * dent * (1.0 + 0.5 * uu)
    low = inner_low + look["lip_low"] * arc
    ends = x.abs() - w
    whole = coverage(torch.maximum(band(level, top, low), ends), pixel)
    lips = look["lips"]
    upper = 0.86 + 0.30 * ((level - inner_low) / look["lip_low"]).clamp_(-0.6, 0.5)
    blend(image, soft(band(level, low, low + 0.05 * arc), 0.06) * 0.30, look["skin"] * 0.6)
    blend(image, whole, lips * upper)
    shine = bump((u * u) / 0.20 + (level - (inner_low + low) * 0.5).square() / 0.0006)
    blend(image, shine * 0.22 * whole, (lips + 0.35).clamp(0.0, 1.0))

    inside = coverage(torch.maximum(band(level, inner_top, inner_low), ends), pixel)
    inside = inside * (gap > 0.0)
    blend(image, inside, _colour(x, 0.32, 0.06, 0.08))
    teeth = coverage(torch.maximum(band(level, inner_top, inner_top + gap * 0.42 * arc),
                                   x.abs() - w * 0.86), pixel)  # fmt: skip
    blend(image, teeth * inside, _colour(x, 0.98, 0.97, 0.94))
    line = coverage(torch.maximum(band(level, inner_top - 0.008, inner_low + 0.008), ends - 0.01),
                    pixel)  # fmt: skip
    blend(image, line * (1.0 - inside), lips * 0.45)
    return whole


def beard_distance(look: Look, x: Tensor, y: Tensor) -> Tensor:
    """Distance to the cheeks' and chin's beard, without the moustache and the head's outline."""
    u = x / look["width"]
    uu = u * u
    edge = look["mouth_y"] + 0.01 - 0.42 * (uu - 0.14).clamp(min=0.0) * (1.0 - 0.35 * uu)
    full = edge - y
    chin = ellipse(x, y - look["chin"] + 0.04, look["mouth_w"] * 0.85, 0.15)
    return torch.where(look["goatee"] > 0.0, chin, full)


def moustache_alpha(look: Look, x: Tensor, y: Tensor, pixel: Tensor) -> Tensor:
    """Coverage (N,1,h,w) of the moustache between nose and mouth."""
    w = look["mouth_w"] * 1.12
    u = x / w
    uu = u * u
    middle = (look["nose_y"] + 0.035 + look["mouth_y"] - look["lip_up"]) * 0.5
    level = y - middle - 0.055 * uu
    half = 0.044 * (1.0 - uu) * (1.0 + 0.6 * uu)
    return coverage(torch.maximum(level.abs() - half, x.abs() - w), pixel) * look["moustache"]


def paint_freckles(image: Tensor, look: Look, x: Tensor, y: Tensor, pixel: Tensor) -> Tensor:
    """A few large soft freckles on both cheeks, not quite symmetrical."""
    side = x.abs() - look["eye_x"]
    below = y - look["eye_y"] - look["eye_h"] - 0.05 + 0.015 * x.sign()
    total: Tensor | None = None
    for dx, dy in ((-0.075, 0.03), (0.0, 0.0), (0.075, 0.02), (-0.035, 0.085), (0.045, 0.08)):
        px, py = side - dx, below - dy
        spot = bump((px * px + py * py) / 0.0012)
        total = spot if total is None else total + spot
    assert total is not None
    alpha = total * (0.75 * look["freckles"])
    blend(image, alpha, look["skin"] * 0.62)
    return alpha


def paint_glasses(image: Tensor, look: Look, x: Tensor, y: Tensor, pixel: Tensor) -> Tensor:
    """Frames, bridge and temples; returns the frame's coverage (zero without glasses)."""
    size = look["lens"]
    half = 0.018
    centre = torch.maximum(look["eye_x"], size + 0.03)
    side = x.abs() - centre
    level = y - look["eye_y"] - 0.015
    lens = torch.where(look["round"] > 0.0, circle(side, level, size),
                       rounded_box(side, level, size * 1.03, size * 0.74, size * 0.22))  # fmt: skip
    rim = lens.abs() - half
    bridge = torch.maximum((level + 0.02).abs() - half * 0.9, x.abs() - (centre - size))
    temple = torch.maximum((level + 0.03).abs() - half * 0.9,
                           torch.maximum(centre + size - x.abs(),
                                         x.abs() - look["width"] * 1.02))  # fmt: skip
    alpha = coverage(torch.minimum(torch.minimum(rim, bridge), temple), pixel) * look["glasses"]
    glass = coverage(lens, pixel) * look["glasses"]
    gleam = soft((side * 0.8 + level + 0.03 * 2.0).abs() - 0.025, 0.04)
    blend(image, glass * (0.07 + 0.16 * gleam), _colour(x, 0.92, 0.97, 1.0))
    blend(image, alpha, look["frame"])
    return alpha
