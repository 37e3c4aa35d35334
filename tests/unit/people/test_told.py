"""What is told of people that were learned, or not."""

from facea_core.people import (
    FAILED,
    FOUND,
    TRAINED,
    Learned,
    learned_line,
    people_line,
    people_table,
)

ADA = Learned("ada", "people/ada", TRAINED, 6, 4, 2.5, 0.1234, file="ada.safetensors", photos=3)
BEN = Learned("ben", "people/ben", FOUND, file="ben.safetensors", photos=3)
CLEO = Learned("cleopatra", "people/cleopatra", FAILED, error="no face")


def test_a_line_for_each():
    assert learned_line(ADA) == "trained, 6 steps in 2 s, from step 4 on: ada.safetensors"
    assert learned_line(BEN) == "found: ben.safetensors"
    assert learned_line(CLEO) == "failed: no face"


def test_a_line_for_all_counts_them_and_says_why():
    assert people_line([ADA, BEN, BEN, CLEO]) == "1 trained, 2 found, 1 failed; cleopatra: no face"
    assert people_line([BEN]) == "1 found"


def test_the_columns_of_the_table_stand_below_each_other():
    head, ada, ben, cleo = people_table([ADA, BEN, CLEO]).splitlines()
    at = head.index("state")
    assert [row[at:].split()[0] for row in (ada, ben, cleo)] == [TRAINED, FOUND, FAILED]
    assert ada.split() == ["ada", "trained", "3", "6,", "from", "4", "2.5", "0.123", ADA.file]
    assert cleo.endswith("no face")
