"""People whom nobody is: blends of two, refused where they are like anybody or not one person."""

from functools import cache

import pytest
import torch

from facea_core.dataset.newcomers import PORTRAITS, Newcomer, newcomers
from facea_core.dataset.people import Band
from facea_core.errors import ConfigError
from facea_core.synthetic.render import paint
from facea_core.types import Identity, IdentityMeta, Word
from tests.unit.dataset.painted import SIZE, hosts, numbers, person, scene, tools

PEOPLE = tuple(person(seed, label) for label, seed in enumerate((3, 4, 5, 6, 7)))
BAND = Band(0.5, 0.98, 0.55, "")


@cache
def learned(name: str) -> Identity:
    """As much of an identity as can be blended; `meta` keeps who is in it."""
    word = Word(f"{name}/eyes", "eyes", "eyes", {"clip_l": torch.ones(1, 8)})
    meta = IdentityMeta("facea-tiny", "0" * 16, "man", f"a photo of embedding:{name}/eyes", 1, 0, 4)
    return Identity(name, (word,), {}, meta)


def between(identity: Identity):
    """Paints who lies between the parents, as the painter's numbers do."""
    shares = identity.meta.mixed_from
    who = sum(share * numbers(int(name.removeprefix("person-"))) for name, share in shares.items())
    assert isinstance(who, torch.Tensor)

    def paint_into(host, image, keep, words, seed):
        return paint(who, scene(int(host.name)), SIZE).image

    return paint_into


def made(count=2, band=BAND, people=PEOPLE, painter=between, seed=0):
    return list(
        newcomers(
            people, lambda one: learned(one.name), painter, hosts(12), band, tools(), count, seed
        )
    )


def test_new_people_are_like_nobody_and_say_of_whom_they_are_made():
    found = [one for one in made() if isinstance(one, Newcomer)]
    assert [one.identity.name for one in found] == ["new-0000", "new-0001"]
    for one in found:
        assert one.nearest < BAND.stranger
        assert 0.35 <= one.share <= 0.65
        assert set(one.identity.meta.mixed_from) == set(one.parents)
        assert all(parent in one.consent for parent in one.parents)
        assert len(one.portraits) == PORTRAITS
        assert one.noun == "man"


def test_the_same_seed_makes_the_same_people():
    first, again, other = made(), made(), made(seed=1)
    assert [str(one) for one in first if isinstance(one, str)] == [
        str(one) for one in again if isinstance(one, str)
    ]
    for one, two in zip(first, again, strict=True):
        if isinstance(one, Newcomer) and isinstance(two, Newcomer):
            assert one.parents == two.parents
            assert one.share == two.share
            assert torch.equal(one.portraits[0].image, two.portraits[0].image)
    assert [one.parents for one in first if isinstance(one, Newcomer)] != [
        one.parents for one in other if isinstance(one, Newcomer)
    ]


def test_who_is_like_somebody_or_nobody_in_particular_is_refused_with_the_reason():
    found = made(1, Band(0.5, 0.98, 0.05, ""))
    assert all(isinstance(one, str) and ": like " in one for one in found)
    assert len(found) == 20  # and then it ends
    found = made(1, Band(0.995, 0.998, 0.9, ""))
    assert all("not of one person" in str(one) for one in found)


def test_a_painting_without_a_face_refuses_the_blend():
    def blank(identity):
        return lambda host, image, keep, words, seed: torch.full_like(image, 0.5)

    found = made(1, painter=blank)
    assert all("a face was not painted" in str(one) for one in found)


def test_parents_need_one_class_noun():
    with pytest.raises(ConfigError, match="no such two"):
        made(people=PEOPLE[:1])
