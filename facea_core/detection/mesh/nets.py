"""The two networks of MediaPipe as torch modules: BlazeFace (full range) and the face mesh.

Their layers are registered in the order in which the published graphs run them, and that is how
`scripts/convert_mesh.py` fills them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 32
"""What the sides of BlazeFace's images are multiples of."""

CELL = 4
"""Side in pixels of the cells that BlazeFace answers for."""

SIDE = 192
"""Side in pixels of the face mesh's square."""

POINTS = 468


class _Pair(nn.Module):
    """A 3x3 convolution per channel, then a 1x1 one over them."""

    def __init__(self, inside: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.depth = nn.Conv2d(inside, inside, 3, stride, padding=1, groups=inside)
        self.point = nn.Conv2d(inside, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.point(self.depth(x))


class _Bottleneck(nn.Module):
    """Two pairs, narrow between them; added to what came in where the shape stays."""

    def __init__(self, inside: int, narrow: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.first = _Pair(inside, narrow, stride)
        self.second = _Pair(narrow, out)
        self.added = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(F.relu(self.first(x)))
        return F.relu(x + y if self.added else y)


def _stage(inside: int, narrow: int, out: int, more: int) -> nn.Sequential:
    rest = (_Bottleneck(out, narrow, out) for _ in range(more))
    return nn.Sequential(_Bottleneck(inside, narrow, out, 2), *rest)


class _Head(nn.Module):
    """`width` numbers per cell, from four times as many on half the grid."""

    def __init__(self, inside: int, width: int) -> None:
        super().__init__()
        self.point = nn.Conv2d(inside, 4 * width, 1)
        self.depth = nn.Conv2d(4 * width, 4 * width, 3, 2, padding=1, groups=4 * width)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.depth(self.point(x)), 2)


class BlazeFace(nn.Module):
    """Where faces are: `(B, 3, H, W)` in [0, 1] -> logits `(B, 1, h, w)` and `(B, 16, h, w)`.

    H and W are multiples of STRIDE, h and w one per CELL. The 16 numbers are pixels: centre x and y
    from the cell's centre, width and height of a box from brows to chin, and x and y from the
    cell's centre of six points: the person's right eye, left eye, nose, mouth, right and left ear.
    It finds faces of 10 to 110 pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2, padding=1)
        self.fine = nn.Sequential(_Bottleneck(32, 8, 32), _Bottleneck(32, 8, 32))
        self.down1 = _stage(32, 16, 64, 2)
        self.side1 = nn.Conv2d(64, 48, 1)
        self.down2 = _stage(64, 32, 128, 2)
        self.side2 = nn.Conv2d(128, 64, 1)
        self.down3 = _stage(128, 48, 192, 2)
        self.side3 = nn.Conv2d(192, 96, 1)
        self.down4 = _stage(192, 96, 384, 3)
        self.up4 = nn.Conv2d(384, 96, 1)
        self.join3 = nn.Sequential(_Bottleneck(96, 48, 96), _Bottleneck(96, 48, 96))
        self.up3 = nn.Conv2d(96, 64, 1)
        self.join2 = nn.Sequential(_Bottleneck(64, 32, 64), _Bottleneck(64, 32, 64))
        self.up2 = nn.Conv2d(64, 48, 1)
        self.join1 = _Bottleneck(48, 24, 48)
        self.score = _Head(48, 1)
        self.shape = _Head(48, 16)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.fine(F.relu(self.stem(image * 2 - 1)))
        a = self.down1(x)
        b = self.down2(a)
        c = self.down3(b)
        x = _twice(self.up4(self.down4(c))) + F.relu(self.side3(c))
        x = _twice(self.up3(self.join3(x))) + F.relu(self.side2(b))
        x = _twice(self.up2(self.join2(x))) + F.relu(self.side1(a))
        x = self.join1(x)
        return self.score(x), self.shape(x)


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(F.relu(x), scale_factor=2, mode="bilinear", align_corners=False)


class _Block(nn.Module):
    """A pair beside what came in, at half the size where `stride` is 2."""

    def __init__(self, inside: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.depth = nn.Conv2d(inside, inside, 3, stride, groups=inside)
        self.point = nn.Conv2d(inside, out, 1)
        self.act = nn.PReLU(out)
        self.stride, self.more = stride, out - inside

    def forward(self, x: Tensor) -> Tensor:
        y = self.point(self.depth(_padded(x, self.stride)))
        if self.stride == 2:
            x = F.max_pool2d(x, 2)
        return self.act(F.pad(x, (0, 0, 0, 0, 0, self.more)) + y)


def _padded(x: Tensor, stride: int) -> Tensor:
    # TensorFlow's "same": at stride 2 a side of even length grows at its end only.
    return F.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))


class _Answer(nn.Module):
    """The last layers: `width` numbers from a 3x3 grid."""

    def __init__(self, first: _Block, width: int) -> None:
        super().__init__()
        self.first = first
        self.narrow = nn.Conv2d(128, 32, 1)
        self.act = nn.PReLU(32)
        self.block = _Block(32, 32)
        self.out = nn.Conv2d(32, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.block(self.act(self.narrow(self.first(x))))).flatten(1)


class FaceMesh(nn.Module):
    """The surface of a face: `(B, 3, 192, 192)` in [0, 1] -> `(B, 468, 3)` and logits `(B,)`.

    Points are x, y and depth in pixels of the square, in the order of MediaPipe's mesh; the logit
    says whether a face is there at all. The face is upright and fills two thirds of the square.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2)
        self.act = nn.PReLU(16)
        blocks: list[nn.Module] = [_Block(16, 16), _Block(16, 16)]
        for inside, out in ((16, 32), (32, 64), (64, 128), (128, 128)):
            blocks += [_Block(inside, out, 2), _Block(out, out), _Block(out, out)]
        self.trunk = nn.Sequential(*blocks)
        self.deep = nn.Sequential(_Block(128, 128, 2), _Block(128, 128))
        self.flag = _Answer(_Block(128, 128, 2), 1)
        self.mesh = _Answer(_Block(128, 128), 3 * POINTS)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.trunk(self.act(self.stem(_padded(image, 2))))
        points = self.mesh(self.deep(x)).unflatten(1, (POINTS, 3))
        return points, self.flag(x)[:, 0]


class MeshNets(nn.Module):
    """Both networks, as one file holds them."""

    def __init__(self) -> None:
        super().__init__()
        self.blaze = BlazeFace()
        self.mesh = FaceMesh()


@torch.no_grad()
def empty_nets() -> MeshNets:
    """The networks without weights, to be filled with `load_state_dict(..., assign=True)`."""
    with torch.device("meta"):
        return MeshNets().eval()
