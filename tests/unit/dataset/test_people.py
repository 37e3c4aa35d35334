"""How like a person's photos a picture has to be: measured where there are photos enough."""

import pytest
import torch
import torch.nn.functional as F

from facea_core.dataset.config import DatasetConfig
from facea_core.dataset.people import (
    LEAST_PAIRS,
    USUAL,
    Person,
    _others,
    band_of,
    person_of,
)
from facea_core.errors import ConfigError, NoFaceError
from tests.unit.dataset.painted import identity, person, tools


def somebody(label: int, photos: int, spread: float = 0.3) -> Person:
    """A person whose photos' vectors lie about a direction of their own."""
    random = torch.Generator().manual_seed(label)
    centre = F.normalize(torch.randn(64, generator=random), dim=0)
    noise = F.normalize(torch.randn(photos, 64, generator=random), dim=1)
    vectors = F.normalize(centre + spread * noise, dim=1)
    return Person(f"p{label}", label, "man", identity("p"), "", vectors, ())


def test_few_photos_have_the_usual_limits():
    band = band_of([person(1, 0), person(2, 1)], "tiny", DatasetConfig())
    assert (band.lower, band.upper, band.stranger) == USUAL["tiny"]
    assert "6 photos, 30 are needed" in band.source


def test_many_photos_are_measured():
    people = [somebody(label, 5) for label in range(LEAST_PAIRS // 5)]
    band = band_of(people, "tiny", DatasetConfig())
    own = torch.cat([
        torch.stack([
            one.vectors[k]
            @ F.normalize(torch.cat([one.vectors[:k], one.vectors[k + 1 :]]).mean(dim=0), dim=0)
            for k in range(5)
        ])
        for one in people
    ])  # fmt: skip
    assert band.lower < float(own.min()) < band.upper <= float(own.max())
    assert band.stranger < band.lower
    assert "30 photos of 6 people" in band.source


def test_of_very_many_people_some_are_compared():
    people = [somebody(n % 50, 1) for n in range(3000)]
    assert 0.0 < band_of(people, "tiny", DatasetConfig()).lower < 1
    others = _others(people)
    assert len(others) == 1000 * 999


def test_what_is_given_goes_before_what_is_measured():
    band = band_of([person(1, 0)], "tiny", DatasetConfig(lower=0.5, upper=0.9))
    assert (band.lower, band.upper) == (0.5, 0.9)
    assert band.source.startswith("as given")
    with pytest.raises(ConfigError, match=r"0\.990 at least and 0\.980 at most"):
        band_of([person(1, 0)], "tiny", DatasetConfig(lower=0.99))


def test_a_person_without_photos_is_none():
    with pytest.raises(NoFaceError, match="no photo of ada"):
        person_of("ada", 0, "woman", identity("ada"), "", [], tools().embedder)
