"""Grounding-DINO's weights as its authors published them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """A file that the authors published: where it is, how long, and its SHA-256."""

    file: str
    url: str
    size: int
    sha256: str


_URL = "https://github.com/IDEA-Research/GroundingDINO/releases/download/"
RELEASES: dict[str, Release] = {
    "swint": Release(
        "groundingdino_swint_ogc.pth",
        _URL + "v0.1.0-alpha/groundingdino_swint_ogc.pth",
        693_997_677,
        "3b3ca2563c77c69f651d7bd133e97139c186df06231157a64c507099c52bc799",
    ),
    "swinb": Release(
        "groundingdino_swinb_cogcoor.pth",
        _URL + "v0.1.0-alpha2/groundingdino_swinb_cogcoor.pth",
        938_057_991,
        "46270f7a822e6906b655b729c90613e48929d0f2bb8b9b76fd10a856f3ac6ab7",
    ),
}
