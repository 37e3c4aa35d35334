from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from facea_core.backbone import Backbone, Conditioning, load_backbone
from facea_core.backbone.load import move
from facea_core.errors import BackboneMismatchError, ConfigError
from facea_core.identity import apply_identity
from facea_core.identity.adapters import RETIRED
from facea_core.identity.flat import Flat
from facea_core.identity.lora import Lora, lora
from facea_core.types import Identity, IdentityMeta, LoraWeights, Word


def snapshot(unet: nn.Module) -> tuple:
    """Everything about a U-Net that an adapter might leave changed."""
    return (
        {key: value.clone() for key, value in unet.state_dict().items()},
        dict(unet.named_modules()),
        dict(unet.named_parameters()),
        {key: p.requires_grad for key, p in unet.named_parameters()},
        set(vars(unet)),
    )


def assert_unchanged(unet: nn.Module, before: tuple) -> None:
    state, modules, parameters, flags, names = before
    now = unet.state_dict()
    assert now.keys() == state.keys()
    assert all(torch.equal(now[key], value) for key, value in state.items())
    for old, new in ((modules, unet.named_modules()), (parameters, unet.named_parameters())):
        new = dict(new)
        assert new.keys() == old.keys()
        assert all(new[key] is value for key, value in old.items())
    assert {key: p.requires_grad for key, p in unet.named_parameters()} == flags
    assert set(vars(unet)) == names


def predict(backbone: Backbone) -> Tensor:
    random = torch.Generator().manual_seed(0)
    noisy, masked = torch.randn(2, 1, 4, 16, 16, generator=random)
    context = torch.randn(1, 7, 128, generator=random)
    mask = torch.ones(1, 1, 16, 16)
    with torch.no_grad():
        time = torch.tensor([500])
        return backbone.predict(noisy, time, Conditioning(context), mask, masked).float()


def weight_of(backbone: Backbone, path: str) -> Tensor:
    return backbone.unet.state_dict()[f"{path}.weight"].clone()


def train_one_step(adapter: Lora, backbone: Backbone) -> None:
    optimiser = torch.optim.AdamW([adapter.flat.parameter], lr=0.01)
    noisy = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))
    context = Conditioning(torch.ones(1, 7, 128))
    output = backbone.predict(noisy, torch.tensor([5]), context, noisy[:, :1], noisy)
    output.square().mean().backward()
    optimiser.step()


def make_identity(
    backbone: Backbone, name: str = "ada", seed: int = 0, scale: float = 0.02
) -> Identity:
    random = torch.Generator().manual_seed(seed)
    with lora(backbone.unet, 3, "wide", generator=random) as adapter:
        shapes = adapter.learned()
    weights = {
        path: LoraWeights(w.down, scale * torch.randn(w.up.shape, generator=random), 6.0)
        for path, w in shapes.items()
    }
    word = Word(f"{name}/eyes", "eyes", "eyes", {"clip_l": torch.randn(2, 128, generator=random)})
    meta = IdentityMeta("facea-tiny", "0" * 16, "woman", "a photo", 1, seed, 3)
    return Identity(name, (word,), weights, meta)


@pytest.mark.parametrize("targets", ["attention", "wide"])
@pytest.mark.parametrize("fails", [False, True])
def test_the_unet_comes_out_as_it_went_in(backbone: Backbone, targets: str, fails: bool):
    before = snapshot(backbone.unet)
    try:
        with lora(backbone.unet, 4, targets) as adapter:
            train_one_step(adapter, backbone)
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert fails
    assert_unchanged(backbone.unet, before)


def test_an_injection_that_fails_leaves_nothing(backbone: Backbone):
    before = snapshot(backbone.unet)
    with pytest.raises(ConfigError, match="positive"), lora(backbone.unet, 0):
        pass
    assert_unchanged(backbone.unet, before)


@pytest.mark.parametrize("targets", ["attention", "wide"])
def test_an_untrained_lora_changes_nothing(backbone: Backbone, targets: str):
    plain = predict(backbone)
    with lora(backbone.unet, 4, targets):
        assert torch.equal(predict(backbone), plain)


def test_wide_holds_attention_and_more(backbone: Backbone):
    with lora(backbone.unet, 1, "attention") as adapter:
        attention = set(adapter.layers)
    with lora(backbone.unet, 1, "wide") as adapter:
        wide = set(adapter.layers)
    linear = {n for n, m in backbone.unet.named_modules() if ".attn" in n and hasattr(m, "weight")}
    assert attention == linear
    endings = {path.rpartition(".")[2] for path in wide - attention}
    assert attention < wide
    assert endings == {"proj", "2", "conv1", "conv2", "conv_shortcut", "proj_in", "proj_out"}


def test_the_start_comes_from_the_generator_alone(backbone: Backbone):
    starts = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        untouched = torch.get_rng_state()
        with lora(backbone.unet, 4, generator=torch.Generator().manual_seed(7)) as adapter:
            starts.append(adapter.learned())
        assert torch.equal(torch.get_rng_state(), untouched)
    first, second = starts
    assert all(torch.equal(first[path].down, second[path].down) for path in first)


def test_what_is_trained_is_float32_in_a_bfloat16_unet(backbone: Backbone):
    backbone = move(backbone, "cpu", torch.bfloat16)
    with lora(backbone.unet, 4, "wide") as adapter:
        train_one_step(adapter, backbone)
        learned = adapter.flat.parameter
        assert learned.grad is not None
        assert learned.dtype == learned.grad.dtype == torch.float32


def test_only_the_lora_gets_gradients(backbone: Backbone):
    with lora(backbone.unet, 4, "wide") as adapter:
        train_one_step(adapter, backbone)
        assert all(p.grad is None for p in backbone.unet.parameters())
        grad = adapter.flat.parameter.grad
        assert grad is not None
        for name, piece in Flat(nn.Parameter(grad), adapter.flat.shapes).values().items():
            # `up` is zero at first, and so is what reaches `down`.
            assert bool(piece.any()) == name.endswith("lora_up"), name


def test_merged_and_injected_agree(backbone: Backbone):
    random = torch.Generator().manual_seed(0)
    with lora(backbone.unet, 4, "wide", generator=random) as adapter:
        with torch.no_grad():
            learned = adapter.flat.parameter
            learned += 0.02 * torch.randn(learned.shape, generator=random)
            adapter.bind()
        injected, weights = predict(backbone), adapter.learned()
        adapter.bind(0)
        off = predict(backbone)
    identity = replace(make_identity(backbone), lora=weights)
    plain = predict(backbone)
    assert torch.equal(off, plain)
    with apply_identity(backbone, identity):
        merged = predict(backbone)
    assert (injected - plain).abs().max() > 0.01
    torch.testing.assert_close(merged, injected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("fails", [False, True])
def test_applying_leaves_the_unet_as_it_was(backbone: Backbone, fails: bool):
    identity, before = make_identity(backbone), snapshot(backbone.unet)
    try:
        with apply_identity(backbone, identity, 0.7):
            changed = dict(backbone.unet.named_parameters())
            assert any(changed[key] is not value for key, value in before[2].items())
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert fails
    assert_unchanged(backbone.unet, before)


def test_strength_scales_the_lora(backbone: Backbone):
    identity = make_identity(backbone)
    path = next(iter(identity.lora))
    base = weight_of(backbone, path)
    deltas = {}
    for strength in (0.0, 0.5, 1.0, -1.0):
        with apply_identity(backbone, identity, strength):
            deltas[strength] = weight_of(backbone, path) - base
    assert torch.equal(deltas[0.0], torch.zeros_like(base))
    torch.testing.assert_close(2 * deltas[0.5], deltas[1.0], atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(-deltas[-1.0], deltas[1.0], atol=1e-6, rtol=1e-4)


def test_the_words_are_handed_over_as_they_are(backbone: Backbone):
    identity = make_identity(backbone)
    with apply_identity(backbone, identity, 0.3) as words:
        assert torch.equal(words["ada/eyes"]["clip_l"], identity.words[0].vectors["clip_l"])
        backbone.text.encode(["a photo of embedding:ada/eyes"], words)


def test_two_identities_add_up_and_must_have_two_names(backbone: Backbone):
    ada, bob = make_identity(backbone), make_identity(backbone, "bob", 1)
    path = next(iter(ada.lora))
    base = weight_of(backbone, path)
    with apply_identity(backbone, ada):
        first = weight_of(backbone, path) - base
    with apply_identity(backbone, bob):
        second = weight_of(backbone, path) - base
    with apply_identity(backbone, [ada, bob]) as words:
        torch.testing.assert_close(
            weight_of(backbone, path) - base, first + second, atol=1e-6, rtol=1e-4
        )
        assert set(words) == {"ada/eyes", "bob/eyes"}
    before = snapshot(backbone.unet)
    with pytest.raises(ConfigError, match="'ada'"), apply_identity(backbone, [ada, ada]):
        pass
    assert_unchanged(backbone.unet, before)


def other_family(identity: Identity) -> Identity:
    return replace(identity, meta=replace(identity.meta, family="sdxl"))


def other_layer(identity: Identity) -> Identity:
    return replace(identity, lora={"mid_block.gone": next(iter(identity.lora.values()))})


def other_shape(identity: Identity) -> Identity:
    path, weights = next(iter(identity.lora.items()))
    return replace(identity, lora={path: replace(weights, down=weights.down[:, :3])})


def other_width(identity: Identity) -> Identity:
    word = identity.words[0]
    return replace(identity, words=(replace(word, vectors={"clip_l": torch.zeros(1, 768)}),))


def earlier_weights(identity: Identity) -> Identity:
    return replace(identity, meta=replace(identity.meta, backbone_hash=min(RETIRED)))


def other_encoder(identity: Identity) -> Identity:
    word = identity.words[0]
    return replace(identity, words=(replace(word, vectors={"clip_g": torch.zeros(1, 128)}),))


def test_an_identity_for_another_model_is_refused(backbone: Backbone):
    identity, before = make_identity(backbone), snapshot(backbone.unet)
    for change, named in (
        (other_family, "'sdxl'.*'facea-tiny'"),
        (earlier_weights, "earlier weights.*train the person again"),
        (other_layer, "mid_block.gone"),
        (other_shape, "adapts layer"),
        (other_width, "768"),
        (other_encoder, "clip_g"),
    ):
        wrong = change(identity)
        with pytest.raises(BackboneMismatchError, match=named), apply_identity(backbone, wrong):
            pass
    assert_unchanged(backbone.unet, before)


def test_the_published_weights_are_not_retired():
    assert load_backbone("tiny").hash not in RETIRED
