"""A short run of tests/fuzz; the long one is a command of its own."""

from pathlib import Path

from ..fuzz import identities, states


def test_changed_identities_are_refused_or_right(tmp_path: Path):
    tally = identities.fuzz(520, tmp_path)
    assert tally.faults == {}
    assert tally.total["right"] > 20
    assert tally.total["refused"] > 400


def test_changed_states_are_refused_or_end_in_the_same_bytes(tmp_path: Path):
    tally = states.fuzz(60, tmp_path)
    assert tally.faults == {}
    assert tally.total["right"] > 2
    assert tally.total["refused"] > 40
