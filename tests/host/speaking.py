"""Learned words in the prompts of ComfyUI: part of checks.py."""

from __future__ import annotations

from typing import Any

from compared import diff
from inside import part, run_node


def spoken(core: Any, host: Any, identity: Any) -> dict[str, Any]:
    """Words in prompts behind the loader: strength, two people, spelling, and not before it."""
    from dataclasses import replace

    import torch

    def other_word(word: Any) -> Any:
        vectors = {name: rows.flip(-1) for name, rows in word.vectors.items()}
        return replace(word, placeholder=f"other/{word.attribute}", vectors=vectors)

    def read(clip: Any, prompt: str) -> Any:
        return encode(clip, prompt)[0][0]

    encode, loader = part("nodes.host.sampling").encode, part("nodes.lora").FaceALoRALoader
    with_words = part("nodes.host").with_words
    other = replace(identity, name="other", words=tuple(map(other_word, identity.words)))
    one = run_node(loader, model=host[0], clip=host[1], identity=identity, file="none")
    two = run_node(loader, model=one[0], clip=one[1], identity=other, file="none")
    off = run_node(
        loader, model=host[0], clip=host[1], identity=identity, file="none", lora_strength=0.0,
        words_strength=0.0,
    )  # fmt: skip
    prompt = "a photo of embedding:checked/eyes and embedding:other/nose at the sea"
    words = {w.placeholder: w.vectors for w in (*identity.words, *other.words)}
    try:
        read(host[1], prompt)
        unknown = "no error"
    except ValueError as error:
        unknown = str(error)
    plain, learned = read(host[1], "a photo of eyes"), "a photo of embedding:checked/eyes"
    sample = torch.randn(1, 9, 16, 16, generator=torch.Generator().manual_seed(1))
    return {
        "two_people": diff(core.text.encode([prompt], words).context, read(two[1], prompt)),
        "words_strength_0": diff(plain, read(off[1], learned)),
        "first_strength_stays": diff(read(with_words(off[1], identity), learned), plain),
        "last_strength_counts": diff(
            read(with_words(off[1], identity, 1.0), learned), read(one[1], learned)
        ),
        "words_strength_1_change": diff(plain, read(one[1], learned)),
        "spelling": diff(
            read(two[1], "eyes, embedding:checked/eyes , blue"),
            read(two[1], "eyes,embedding:checked/eyes, blue"),
        ),
        "lora_strength_0": diff(answer(off[0], sample, plain), answer(host[0], sample, plain)),
        "lora_strength_1_change": diff(
            answer(one[0], sample, plain), answer(host[0], sample, plain)
        ),
        "unknown_word": unknown,
        "look_up": answers(),
    }


def answers() -> list[Any]:
    """What is said of a known word and of another, to a ComfyUI that answers with two or three."""
    look_up, known = part("nodes.host.patching").look_up, {"ada/eyes": ("learned", "scaled")}

    def two(name: str) -> tuple[Any, ...]:
        return None, "rest"

    def three(name: str) -> tuple[Any, ...]:
        return None, name, "rest"

    words = ("ada/eyes, and more", "other")
    return [list(look_up(word, known, host)) for host in (two, three) for word in words]


def answer(model: Any, sample: Any, context: Any) -> Any:
    """What the U-Net of a MODEL says, its patches in place."""
    import comfy.model_management
    import torch

    comfy.model_management.load_models_gpu([model])
    return model.model.diffusion_model(sample, torch.tensor([500.0]), context=context)
