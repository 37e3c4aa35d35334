"""Which identity is painted over which face."""

import pytest

from facea_core.composing import assigned
from facea_core.errors import ConfigError
from facea_core.types import Identity, IdentityMeta

META = IdentityMeta("facea-tiny", "", "man", "a man", 1, 0, 4)
ADA, BEN = (Identity(name, (), {}, META) for name in ("ada", "ben"))


@pytest.mark.parametrize(
    ("text", "given", "over"),
    [
        ("", [ADA, None, BEN], [ADA, None, BEN]),
        ("2, 1", [ADA, BEN], [BEN, ADA]),
        ("2", [ADA, BEN], [None, ADA]),
        ("3,1", [ADA], [ADA, None, ADA]),
        ("2, 3", [None, ADA, BEN], [None, ADA, BEN]),
        ("2:ada, 1:ben", [BEN, ADA], [BEN, ADA]),
        (" 1 : ada ,2:ada, 3:ben", [ADA, BEN], [ADA, ADA, BEN]),
    ],
)
def test_numbers_count_faces_and_stand_for_people_in_their_order(text, given, over):
    assert assigned(text, given) == over


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        ("0", [ADA], "'0'"),
        ("two", [ADA], "'two'"),
        ("1,,2", [ADA], "''"),
        ("1.5", [ADA], "'1.5'"),
        ("100", [ADA], "'100'"),
        ("1, 1", [ADA], "face 1 twice"),
        ("1:eve", [ADA, BEN], "'eve'; the wired people are ada, ben"),
        ("1, 2, 3", [ADA, BEN], "more numbers than the 2 people"),
        ("1", [None], "no identity is wired"),
        ("9" * 100_000, [ADA], "faces"),
    ],
)
def test_what_is_no_list_of_faces_is_refused(text, given, said):
    with pytest.raises(ConfigError, match=said):
        assigned(text, given)
