"""Who is like whom in a set: said of the photos and of the pictures, by name."""

import math
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch

from facea_core.dataset.measures import alike_people, measures_of_set
from facea_core.dataset.people import Band, Person
from facea_core.dataset.values import Picture, Sampled
from tests.unit.dataset.small_set import make_set
from tests.unit.dataset.test_people import somebody

BAND = Band(0.5, 0.98, 0.6, "given")


@cache
def pictures() -> tuple[Picture, ...]:
    with tempfile.TemporaryDirectory() as folder:
        return tuple(make_set(Path(folder), ("ada",)))


def sampled_of(person: Person) -> Sampled:
    return Sampled(pictures(), (), (), (), {"tries": 3.0, "host": 0.0},
                   tuple(tuple(vector) for vector in person.vectors[:3].tolist()))  # fmt: skip


def test_who_is_alike_is_named_with_both_likenesses():
    ada, ben = somebody(0, 4), somebody(1, 4)
    twin = replace(somebody(2, 4), vectors=ada.vectors.roll(1, dims=0))
    people = [ada, ben, twin]
    theirs = [sampled_of(ada), sampled_of(ben), Sampled((), ())]
    found = alike_people(people, theirs, 0.6)
    assert found == {"p0": "p2 (photos 1.00)", "p2": "p0 (photos 1.00)"}
    both = alike_people(people, [sampled_of(one) for one in people], 0.6)
    assert both.keys() == {"p0", "p2"}
    assert "photos 1.00, pictures 0.9" in both["p0"]


def test_who_is_alike_in_pictures_only_is_named_too():
    ada, ben = somebody(0, 4), somebody(1, 4)
    found = alike_people([ada, ben], [sampled_of(ada), sampled_of(ada)], 0.6)
    assert "pictures 1.00" in found["p0"]
    assert found.keys() == {"p0", "p1"}


def test_uniqueness_stands_beside_that_of_the_photos():
    ada, ben = somebody(0, 4), somebody(1, 4)
    photos = torch.stack([ada.centre, ben.centre])
    mixed_up = measures_of_set([sampled_of(ada), sampled_of(ada)], (), BAND, 3, photos)
    assert (mixed_up["uniqueness"], mixed_up["uniqueness of the photos"]) == (0, 1)
    twins = torch.stack([ada.centre, ada.centre])
    blamed = measures_of_set([sampled_of(ada), sampled_of(ben)], (), BAND, 3, twins)
    assert (blamed["uniqueness"], blamed["uniqueness of the photos"]) == (1, 0)
    alone = measures_of_set([sampled_of(ada)], (), BAND, 3, photos[:1])
    assert math.isnan(alone["uniqueness"])
    assert math.isnan(alone["uniqueness of the photos"])
