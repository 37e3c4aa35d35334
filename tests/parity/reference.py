"""The side of groundingdino-py: random weights in its layout, and what it answers with them.

    python -m tests.parity.reference FOLDER

Runs in the environment that `python -m tests.parity` makes. Writes into FOLDER for SwinT and SwinB:
`<model>.pth` in the layout of the published files, and `<model>.npz` with the inputs, logits and
boxes of each picture and phrase, in float64 and float32, and the boxes, scores and phrases that its
`predict` reads from these very logits.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from facea_core.detection.grounding.grounder import prepare, read_answer
from facea_core.detection.grounding.model import read_weights

from .package import build_model
from .pictures import MODELS, PHRASES, THRESHOLDS, pictures

SEED = 20230309
SIDE, LONGEST = 400, 667
"""Sides of the pictures that are compared by tensor; end to end they have their full size."""


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or MODELS:
        started = perf_counter()
        write_reference(name, folder)
        print(f"{name}: {perf_counter() - started:.0f} s", flush=True)
    packages = ("groundingdino-py", "transformers", "torch", "torchvision", "timm", "tokenizers")
    versions = {one: version(one) for one in packages}
    (folder / "versions.json").write_text(json.dumps(versions), "utf-8")


def write_reference(name: str, folder: Path) -> None:
    file = folder / f"{name}.pth"
    torch.manual_seed(SEED)
    model = build_model(name)
    randomise(model, SEED)
    save_as_published(model, file)
    record: dict[str, Any] = {"parameters": sum(one.numel() for one in model.parameters())}
    for picture, pixels in pictures().items():
        record[f"{picture}/pixels"] = pixels
        tensor = transformed(pixels, SIDE, LONGEST)
        record[f"{picture}/input"] = tensor.numpy()
        for number, phrase in enumerate(PHRASES):
            at = f"{picture}/{number}"
            for kind, dtype in (("float64", torch.float64), ("float32", torch.float32)):
                with number_format(model, dtype):
                    logits, boxes, places = answers(model, tensor.to(dtype), phrase)
                record[f"{at}/{kind}/logits"] = logits.numpy()
                record[f"{at}/{kind}/boxes"] = boxes.numpy()
                record[f"{at}/{kind}/places"] = places.numpy()
            record |= {f"{at}/read/{key}": one for key, one in reads(model, logits, boxes, phrase)}
    for picture, pixels in pictures().items():
        # Its own way from the picture to the answer: its own transforms, full size.
        full = transformed(pixels, 800, 1333)
        logits, boxes, _ = answers(model, full, PHRASES[0])
        record[f"{picture}/full/input"] = full.numpy()
        record[f"{picture}/full/logits"] = logits.numpy()
        record[f"{picture}/full/boxes"] = boxes.numpy()
    # And the answer to a picture that is prepared, and read, as FaceA does it.
    view = torch.from_numpy(record["astronaut/pixels"].copy()).permute(2, 0, 1)[None] / 255
    for number, phrase in enumerate(PHRASES[:2]):
        logits, boxes, _ = answers(model, prepare(view)[0], phrase)
        answer = read_answer(logits, boxes)
        record[f"prepared/{number}/boxes"] = answer.boxes.numpy()
        record[f"prepared/{number}/scores"] = answer.scores.numpy()
    np.savez(folder / f"{name}.npz", **record)


def randomise(model: nn.Module, seed: int) -> None:
    """Moves every parameter away from where it starts, so that none can go wrong unseen.

    A layer that starts at zero or one (norms, biases, offsets of the sampling points, last layers
    of the box heads) would hide that its weights went to the wrong place.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith(("gamma_v", "gamma_l")):
                # Start at 1e-4: the two streams would hardly meet.
                parameter.copy_(0.3 + 0.1 * noise)
            elif parameter.ndim == 1:
                parameter.add_(0.1 * noise)
            else:
                spread = parameter.std().clamp(min=0.02, max=0.1)
                parameter.add_(0.5 * spread * noise)
        # Scores like those of a trained model: most queries near zero, some above one half. They
        # are products of two normalised vectors, so the norms before them set spread and middle.
        shift = torch.randn(256, generator=generator)
        for norm, sign in (
            (model.transformer.encoder.text_layers[-1].norm2, 1),
            (model.transformer.decoder.norm, -1),
        ):
            norm.weight.mul_(0.33)
            norm.bias.add_(sign * 0.14 * shift)


def save_as_published(model: nn.Module, file: Path) -> None:
    """As `groundingdino_swint_ogc.pth` is: with the prefix of a parallel training, a table of
    labels that only the training read, and a buffer that newer transformers do not save."""
    state = {f"module.{key}": tensor for key, tensor in model.state_dict().items()}
    state["module.label_enc.weight"] = torch.randn(2001, 256)
    state["module.bert.embeddings.position_ids"] = torch.arange(512)[None]
    torch.save({"model": state}, file)
    saved = read_weights(file)
    missing, unexpected = model.load_state_dict(saved, strict=False)
    assert not missing, missing
    assert len(unexpected) == 2, unexpected


@contextmanager
def number_format(model: nn.Module, dtype: torch.dtype) -> Iterator[None]:
    """Within the block the model calculates in `dtype`; it makes tensors of its own as well."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    model.to(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
        model.to(before)


@torch.no_grad()
def answers(model: Any, tensor: Tensor, phrase: str) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, boxes, and which places of the picture became queries, best first."""
    from groundingdino.util.inference import preprocess_caption

    likely: list[Tensor] = []
    hook = model.transformer.enc_out_class_embed.register_forward_hook(
        lambda _module, _given, logits: likely.append(logits[0].amax(dim=1))
    )
    seen = model(tensor[None], captions=[preprocess_caption(phrase)])
    hook.remove()
    logits, boxes = seen["pred_logits"][0], seen["pred_boxes"][0]
    return logits, boxes, likely[0].topk(len(boxes)).indices


def reads(
    model: Any, logits: Tensor, boxes: Tensor, phrase: str
) -> Iterator[tuple[str, np.ndarray]]:
    """What `predict` reads at each threshold, from these logits moved so that half the queries
    score more than 0.3: random weights may be surer, or doubt more, than any threshold."""
    logits = logits - logits.amax(dim=1).median() + torch.logit(torch.tensor(0.3))
    yield "logits", logits.numpy()
    for least, word in THRESHOLDS:
        kept, scores, texts = read(model, logits, boxes, phrase, least, word)
        yield f"{least}/boxes", kept.numpy()
        yield f"{least}/scores", scores.numpy()
        yield f"{least}/texts", np.array(texts, dtype=str)


def read(
    model: Any, logits: Tensor, boxes: Tensor, phrase: str, least: float, word: float
) -> tuple[Tensor, Tensor, list[str]]:
    """The package's own `predict`, with a model that gives these logits and boxes."""
    from groundingdino.util.inference import predict

    class Answered(nn.Module):
        tokenizer = model.tokenizer

        def forward(self, *_: Any, **__: Any) -> dict[str, Tensor]:
            return {"pred_logits": logits[None], "pred_boxes": boxes[None]}

    return predict(Answered(), torch.zeros(3, 1, 1), phrase, least, word, "cpu")


def transformed(pixels: np.ndarray, side: int, longest: int) -> Tensor:
    """A picture as its `load_image` prepares it (which knows files and one size only)."""
    import groundingdino.datasets.transforms as T

    steps = T.Compose(
        [
            T.RandomResize([side], max_size=longest),
            T.ToTensor(),
            T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    return steps(Image.fromarray(pixels), None)[0]


if __name__ == "__main__":
    main()
