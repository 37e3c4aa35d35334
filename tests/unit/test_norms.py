"""How long words are, and starts that were never trained."""

import pytest
import torch

from facea_core.backbone import Backbone
from facea_core.identity.norms import start_notes, vocabularies, word_norms
from facea_core.identity.words import initial_rows
from facea_core.types import Word


def word(backbone: Backbone, scale: float = 1.0) -> Word:
    known = vocabularies(backbone)["clip_l"]
    rows = initial_rows(known.tokens("eyes"), known.table, 1)
    return Word("ada/eyes", "eyes", "eyes", {"clip_l": scale * rows})


def test_a_word_that_stayed_is_at_distance_0(backbone: Backbone):
    (about,) = word_norms(word(backbone), vocabularies(backbone)).values()
    assert about["norm"] == about["start_norm"]
    assert about["cosine"] == pytest.approx(1)
    assert about["distance"] == 0


def test_a_word_that_only_grew_keeps_its_direction(backbone: Backbone):
    (about,) = word_norms(word(backbone, 3.0), vocabularies(backbone)).values()
    assert about["norm"] == pytest.approx(3 * about["start_norm"], rel=1e-3)
    assert about["cosine"] == pytest.approx(1)
    assert about["distance"] == pytest.approx(2 * about["start_norm"], rel=1e-2)


def test_without_a_model_only_the_norm_is_told(backbone: Backbone):
    (about,) = word_norms(word(backbone)).values()
    assert set(about) == {"norm"}


def test_a_row_of_less_than_half_the_usual_norm_is_told(backbone: Backbone):
    (known,) = vocabularies(backbone).values()
    table = torch.ones(known.table.shape)
    (eyes,) = known.tokens("eyes")
    table[eyes] *= 0.49
    assert start_notes(["nose"], {"clip_l": known._replace(table=table)}) == []
    (note,) = start_notes(["nose", "eyes", "eyes"], {"clip_l": known._replace(table=table)})
    assert note.count("'eyes'") == 1
    assert "nose" not in note
