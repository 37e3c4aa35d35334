"""What versions of transformers do differently; `tests/parity/matrix.py` runs this under many."""

import functools

import torch
from transformers import SwinConfig, SwinModel
from transformers.models.grounding_dino import modeling_grounding_dino as modeling

from facea_core.detection.grounding import keys
from facea_core.detection.grounding.grounder import TransformersGrounder, load_tokenizer
from facea_core.detection.grounding.model import load_model

from .grounding import save_small

NAME = "generate_masks_with_special_tokens_and_transfer_map"


def test_words_are_counted_within_their_phrase_to_its_full_stop(tmp_path):
    """BERT sees these positions: for [CLS], each phrase from 0, [SEP], and the padding."""
    model = load_model(save_small(tmp_path / "small"))
    tokenizer = load_tokenizer()
    tokens = tokenizer(["left eye. nose.", "mouth."], padding=True, return_tensors="pt")
    seen = []
    hook = model.model.text_backbone.embeddings.register_forward_pre_hook(
        lambda _module, _args, named: seen.append(named["position_ids"]), with_kwargs=True
    )
    model(torch.zeros(2, 3, 96, 128), **tokens)
    hook.remove()
    assert seen[0].tolist() == [[0, 0, 1, 2, 0, 1, 0], [0, 0, 1, 0, 0, 0, 0]]


def test_the_sines_of_positions_are_not_cut_to_whole_numbers(tmp_path):
    model = load_model(save_small(tmp_path / "small"))
    seen = []
    hook = model.model.encoder.layers[0].text_enhancer_layer.register_forward_pre_hook(
        lambda _module, _args, named: seen.append(named["position_embeddings"]), with_kwargs=True
    )
    model(torch.zeros(1, 3, 96, 128), **load_tokenizer()(["left eye."], return_tensors="pt"))
    hook.remove()
    angles = torch.tensor([0, 0, 1, 2, 0]) * 2 * torch.pi
    assert torch.allclose(seen[0][0, :, 2], (angles / 10000 ** (2 / 32)).sin(), atol=1e-5)


def test_wrong_positions_are_put_right_in_this_model_only(tmp_path, monkeypatch):
    """A version that counts wrongly gives the same answers, and is left as it is for others."""
    right = getattr(modeling, NAME)
    model = load_model(save_small(tmp_path / "small"))
    tokens = load_tokenizer()(["left eye."], return_tensors="pt")
    expected = model(torch.zeros(1, 3, 96, 128), **tokens).logits

    @functools.wraps(right)
    def first_word_again(*arguments, **named):
        mask, positions = right(*arguments, **named)
        return mask, positions * (positions < 2)

    monkeypatch.setattr(modeling, NAME, first_word_again)
    seen = load_model(tmp_path / "small")(torch.zeros(1, 3, 96, 128), **tokens).logits
    assert torch.equal(seen, expected)
    assert getattr(modeling, NAME) is first_word_again


def test_the_indexes_of_the_windows_are_swin_s_own():
    for side in (4, 7, 12):
        swin = SwinModel(
            SwinConfig(image_size=96, window_size=side, embed_dim=24, depths=[1], num_heads=[1])
        )
        (own,) = [one for name, one in swin.named_buffers() if name.endswith("position_index")]
        table = {"x.relative_position_bias_table": torch.zeros((2 * side - 1) ** 2, 1)}
        ours = keys.with_indexes(table)["x.relative_position_index"]
        assert ours.dtype == own.dtype == torch.int64
        assert torch.equal(ours.flatten(), own.flatten())


def test_a_saved_model_answers_as_before_it_was_saved(tmp_path):
    """Nothing that a version saves, or expects and does not save, changes an answer."""
    view = torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(1))
    before = load_model(save_small(tmp_path / "small", 3))
    before.save_pretrained(tmp_path / "again")
    after = load_model(tmp_path / "again")
    for one, other in zip(
        *(TransformersGrounder(m, load_tokenizer()).ask(view, ("eyes",)) for m in (before, after)),
        strict=True,
    ):
        assert torch.allclose(one.scores, other.scores, atol=1e-6)
        assert torch.allclose(one.boxes, other.boxes, atol=1e-6)
