"""Prompts: what the host prepares, and what is left for the device."""

from functools import cache
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from facea_core.backbone import Backbone, Parts, assemble
from facea_core.backbone import parts as parts_module
from facea_core.backbone.load import empty_backbone
from facea_core.backbone.spec import SD2, SD15, SDXL, Family
from facea_core.errors import ConfigError

from ..narrow import narrow_family

PROMPTS = ["a photo of embedding:ada/eyes", "long " * 60 + "embedding:ada/nose", ""]


def two_words(rows: Tensor) -> dict[str, dict[str, Tensor]]:
    return {"ada/eyes": {"clip_l": rows[:2]}, "ada/nose": {"clip_l": rows[2:]}}


class Devices(TorchDispatchMode):
    """Notes where the tensors are that any operation reads or makes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for value in tree_iter((args, kwargs, result)):
            if isinstance(value, Tensor):
                self.seen.add(value.device.type)
        return result


def on_pretended_gpu(mode: FakeTensorMode, *modules: nn.Module) -> None:
    for module in (inner for outer in modules for inner in outer.modules()):
        for store in (module._parameters, module._buffers):
            moved = {
                name: mode.from_tensor(x).to("cuda") for name, x in store.items() if x is not None
            }
            cast(dict[str, Any], store).update(moved)


def test_a_step_on_prepared_prompts_leaves_the_host_out(backbone: Backbone):
    """As inside a CUDA graph: a value that the host reads raises, a copy from it is noted."""
    with FakeTensorMode() as mode:
        on_pretended_gpu(mode, backbone.unet, *backbone.text.encoders.values())
        table = torch.ones(5, 128, device="cuda", requires_grad=True)
        words = two_words(table)
        prepared = backbone.text.prepare(PROMPTS, words)
        latent, mask = torch.ones(2, 4, 8, 8, device="cuda"), torch.ones(2, 1, 8, 8, device="cuda")
        time, rows = torch.ones(2, device="cuda").long(), torch.ones(2, device="cuda").long()
        with Devices() as devices:
            condition = backbone.text.encode_prepared(prepared, words).select(rows)
            backbone.predict(latent, time, condition, mask, latent)
    assert condition.context.shape == (2, 96, 128)
    assert condition.context.requires_grad
    assert devices.seen == {"cuda"}


def test_what_was_prepared_serves_every_state_of_its_words(backbone: Backbone):
    rows = torch.randn(5, 128, generator=torch.Generator().manual_seed(0))
    old, new = two_words(rows), two_words(2 * rows)
    context = backbone.text.encode_prepared(backbone.text.prepare(PROMPTS, old), new).context
    assert torch.equal(context, backbone.text.encode(PROMPTS, new).context)
    assert not torch.equal(context, backbone.text.encode(PROMPTS, old).context)


# What each family reads of its text encoders, against transformers' own forward


NARROW = {family.spec.family: narrow_family(family) for family in (SD15, SD2, SDXL)}
START, END = 49406, 49407


@cache
def whole_encoders(name: str) -> dict[str, Any]:
    """transformers' own models with every layer, as they were published; to be read only."""
    family = NARROW[name]
    encoders = {}
    for i, (kind, config) in enumerate(family.text.items()):
        text = CLIPTextConfig(
            **config, vocab_size=END + 1, bos_token_id=START, eos_token_id=END, pad_token_id=END
        )
        model = CLIPTextModelWithProjection if kind == "clip_g" else CLIPTextModel
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(i)
            encoders[kind] = model(text).eval()
    return encoders


def assembled(monkeypatch, family: Family, encoders: dict[str, Any], **more: Any) -> Backbone:
    monkeypatch.setattr(parts_module, "FAMILIES", (family,))
    rest = empty_backbone(family)
    texts = tuple(encoder.state_dict() for encoder in encoders.values())
    return assemble(Parts(rest.unet.state_dict(), rest.vae.state_dict(), texts), "x", **more)


def run(encoder: Any, tokens: list[int], pad: int) -> tuple[Any, Any]:
    ids = torch.tensor([[START, *tokens, END, *[pad] * (75 - len(tokens))]])
    with torch.no_grad():
        output = encoder(input_ids=ids, output_hidden_states=True)
    norm = getattr(encoder, "text_model", encoder).final_layer_norm
    return output, norm


@pytest.mark.parametrize("skip", [None, -3])
def test_each_family_reads_its_own_layers(monkeypatch, skip: int | None):
    for name, family in NARROW.items():
        encoders = whole_encoders(name)
        ours = assembled(monkeypatch, family, encoders, layer=skip)
        condition = ours.text.encode(["a photo of a man"])
        tokens = next(iter(ours.text.tokenizers.values()))("a photo of a man").input_ids[1:-1]
        layer = skip or (-1 if name == "sd15" else -2)
        contexts = []
        for kind, encoder in encoders.items():
            output, norm = run(encoder, tokens, END if kind == "clip_l" else 0)
            hidden = output.hidden_states[layer]
            contexts.append(hidden if name == "sdxl" else norm(hidden))
        torch.testing.assert_close(condition.context, torch.cat(contexts, dim=-1))
        if name == "sdxl":
            torch.testing.assert_close(condition.pooled, output.text_embeds)
            # The layers behind the one that is read are not built.
            assert ours.text.encoders["clip_l"].config.num_hidden_layers == 5 + layer
        else:
            assert condition.pooled is None


def test_the_pooled_state_is_that_of_the_first_end_of_the_first_chunk(monkeypatch):
    family = NARROW["sdxl"]
    ours = assembled(monkeypatch, family, whole_encoders("sdxl"))
    table = {k: e.get_input_embeddings().weight for k, e in ours.text.encoders.items()}
    tokens = ours.text.tokenizers["clip_g"]("blue eyes").input_ids[1:-1]
    words = {"ada/eyes": {name: rows[tokens] for name, rows in table.items()}}
    # The second prompt fills one chunk and leaves another text for a second one.
    plain = ["a man with blue eyes", "a man with blue eyes " * 15 + "and a dog"]
    spelled = ours.text.encode(plain)
    learned = ours.text.encode([p.replace("blue eyes", "embedding:ada/eyes") for p in plain], words)
    assert learned.context.shape == (2, 2 * 77, 96)
    assert learned.pooled is not None
    assert spelled.pooled is not None
    torch.testing.assert_close(learned.context, spelled.context)
    torch.testing.assert_close(learned.pooled, spelled.pooled)
    first = ours.text.encode(["a man with blue eyes " * 15])  # 75 tokens: one chunk
    assert first.context.shape[1] == 77
    torch.testing.assert_close(first.pooled, spelled.pooled[1:])
    assert learned.select(torch.tensor([1])).pooled.equal(learned.pooled[1:])


def test_gradient_reaches_both_encoders_of_a_word_through_the_pooled_state(monkeypatch):
    family = NARROW["sdxl"]
    ours = assembled(monkeypatch, family, whole_encoders("sdxl"))
    word = {name: torch.randn(2, w).requires_grad_() for name, w in family.spec.widths.items()}
    condition = ours.text.encode(["a embedding:ada/eyes"], {"ada/eyes": word})
    (pooled,) = torch.autograd.grad(condition.pooled.square().sum(), word["clip_g"])
    assert pooled.abs().min() > 0
    condition = ours.text.encode(["a embedding:ada/eyes"], {"ada/eyes": word})
    condition.context.square().sum().backward()
    assert all(rows.grad.abs().min() > 0 for rows in word.values())


def test_the_u_net_is_told_the_size_of_the_picture(monkeypatch):
    family = NARROW["sdxl"]
    ours = assembled(monkeypatch, family, whole_encoders("sdxl"))
    told = []
    handle = ours.unet.register_forward_pre_hook(
        lambda _, args, kwargs: told.append(kwargs["added_cond_kwargs"]), with_kwargs=True
    )
    latent = torch.ones(2, 4, 8, 16)
    condition = ours.text.encode(["a", "b"])
    ours.predict(latent, torch.tensor([5, 5]), condition, latent[:, :1], latent)
    handle.remove()
    (added,) = told
    assert added["time_ids"].tolist() == [[64, 128, 0, 0, 64, 128]] * 2
    assert torch.equal(added["text_embeds"], condition.pooled)


def test_nothing_of_sdxl_is_left_to_the_host():
    family = NARROW["sdxl"]
    backbone = empty_backbone(family)
    with FakeTensorMode() as mode:
        on_pretended_gpu(mode, backbone.unet, *backbone.text.encoders.values())
        rows = {name: torch.ones(2, w, device="cuda") for name, w in family.spec.widths.items()}
        words = {"ada/eyes": rows}
        prepared = backbone.text.prepare(["a embedding:ada/eyes", ""], words)
        latent = torch.ones(2, 4, 8, 8, device="cuda")
        time = torch.ones(2, device="cuda").long()
        with Devices() as devices:
            condition = backbone.text.encode_prepared(prepared, words)
            backbone.predict(latent, time, condition, latent[:, :1], latent)
    assert devices.seen == {"cuda"}


@pytest.mark.parametrize("word", ["../../x", "/etc/x", ".x", ",", ""])
def test_a_path_is_no_word(backbone: Backbone, word: str):
    with pytest.raises(ConfigError, match="which is no word"):
        backbone.text.prepare([f"a photo of embedding:{word} here"], {})
