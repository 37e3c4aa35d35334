"""Our side: the same file through our loader, asked the same; how far apart the answers are.

    python -m tests.parity.ours FOLDER RESULT.json [SwinT|SwinB ...] [--quick]

FOLDER is what tests/parity/reference.py wrote. Runs under any transformers that FaceA supports.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from facea_core.detection.grounding.grounder import (
    Answer,
    TransformersGrounder,
    caption,
    load_tokenizer,
    prepare,
    read_answer,
)
from facea_core.detection.grounding.model import load_model

from .pictures import MODELS, PHRASES, PICTURES, THRESHOLDS

LOGITS, BOXES = 1e-3, 1e-4
"""How far two programs that do the same may be apart, in logits and in sides of the picture."""

EDGE = 1e-3
"""Where groundingdino-py clamps a box's numbers before it takes their logit: boxes as wide as the
picture, or centred on its border. transformers does so at 1e-5, the only difference that is left.
It is measured as it is, and with this value in transformers, to show that there is no other."""

FULL = ("input", "logits", "boxes")

NEAR = 0.01
"""How far answers may be apart that start from differently rounded numbers."""

SURE = 50
"""Best answers per picture that are compared end to end."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--quick", action="store_true", help="one picture, same input, no more")
    wishes = parser.parse_args()
    result = {
        "versions": versions(),
        "models": {one: compare(one, wishes.folder, wishes.quick) for one in wishes.models},
    }
    result["agrees"] = all(one["agrees"] for one in result["models"].values())
    wishes.result.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def versions() -> dict[str, str]:
    packages = ("transformers", "torch", "tokenizers", "diffusers", "peft", "numpy")
    return {"python": platform.python_version(), **{one: version(one) for one in packages}}


def compare(name: str, folder: Path, quick: bool = False) -> dict[str, Any]:
    """Every figure of one model; raises as `load_model` does if its file does not load whole."""
    record = np.load(folder / f"{name}.npz")
    started = perf_counter()
    # Raises unless there are 0 missing and 0 unexpected keys.
    model = load_model(folder / f"{name}.pth")
    result: dict[str, Any] = {
        "parameters": sum(one.numel() for one in model.parameters()),
        "seconds_to_load": round(perf_counter() - started, 2),
    }
    grounder = TransformersGrounder(model, load_tokenizer())
    result["same_input"] = {
        picture: {
            phrase: same_input(grounder, record, picture, number, quick)
            for number, phrase in enumerate(PHRASES)
        }
        for picture in (PICTURES[:1] if quick else PICTURES)
    }
    if not quick:
        result["post_processing"] = {
            picture: {
                phrase: post_processing(record, f"{picture}/{number}", phrase)
                for number, phrase in enumerate(PHRASES)
            }
            for picture in PICTURES
        }
        result["end_to_end"] = {one: end_to_end(grounder, record, one) for one in PICTURES}
        result["prepared_alike"] = prepared_alike(grounder, record)
        result["phrases_in_one_batch"] = batched(grounder, record)
    result["agrees"] = agrees(result)
    return result


def agrees(result: dict[str, Any]) -> bool:
    """Whether every figure of one model is within its limit."""
    checks = [
        one[kind]["tokens_agree"] and one[kind]["logits"] < LOGITS and one[kind]["boxes"] < BOXES
        for phrases in result["same_input"].values()
        for one in phrases.values()
        for kind in one
        if kind != "float32_as_it_is"
    ]
    if "end_to_end" in result:
        read = result["post_processing"].values()
        checks += [one["same"] for phrases in read for one in phrases.values()]
        checks += [one["worst"] < NEAR for one in result["end_to_end"].values()]
        # Rounding may change the order of the places, as above: so the median is held as well.
        for one in (*result["prepared_alike"].values(), result["phrases_in_one_batch"]):
            checks += [one["median"] < BOXES, one["worst"] < NEAR]
    return all(checks)


def same_input(
    grounder: TransformersGrounder, record: Any, picture: str, number: int, quick: bool
) -> dict[str, Any]:
    """The same tensor and caption through both, in each number format."""
    pixels = torch.from_numpy(record[f"{picture}/input"])[None]
    kinds = {"float32": EDGE} if quick else {"float64": EDGE, "float32": EDGE}
    figures: dict[str, Any] = {}
    for kind, edge in (*kinds.items(), ("float32_as_it_is", None)):
        form = kind.removesuffix("_as_it_is")
        at = f"{picture}/{number}/{form}"
        theirs = [torch.from_numpy(record[f"{at}/{one}"]) for one in ("logits", "boxes", "places")]
        with clamped_at(edge):
            ours = answers(grounder, pixels, PHRASES[number], getattr(torch, form))
        figures[kind] = differences(ours, theirs)
    return figures


@contextmanager
def clamped_at(edge: float | None) -> Iterator[None]:
    """Within the block boxes are clamped as groundingdino-py does it."""
    before = torch.special.logit
    if edge is not None:
        torch.special.logit = lambda x, eps=None: (x.clamp(edge, 1) / (1 - x).clamp(edge, 1)).log()
    try:
        yield
    finally:
        torch.special.logit = before


@torch.no_grad()
def answers(
    grounder: TransformersGrounder, pixels: Tensor, phrase: str, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, boxes, and which places of the picture became queries, best first."""
    model: Any = grounder.model
    tokens = grounder.tokenizer([caption(phrase)], return_tensors="pt")
    likely: list[Tensor] = []
    hook = model.model.encoder_output_class_embed.register_forward_hook(
        lambda _module, _given, logits: likely.append(logits[0].amax(dim=1))
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    model.to(dtype)
    try:
        seen = model(pixels.to(dtype), **tokens)
    finally:
        torch.set_default_dtype(before)
        model.to(before)
        hook.remove()
    logits, boxes = seen.logits[0], seen.pred_boxes[0]
    return logits, boxes, likely[0].topk(len(boxes)).indices


def differences(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> dict[str, Any]:
    """Greatest absolute differences over the queries that stand for the same place in both.

    The 900 likeliest places become queries; where two are equally likely to the last digit,
    rounding decides their order, and the order decides what each is taken for. Logits are compared
    where there is a token; elsewhere both must say -inf.
    """
    logits, boxes, places = ours
    wanted = theirs[0][:, : logits.shape[-1]].double()
    known = wanted.isfinite()
    same = places == theirs[2]
    apart = (logits.double() - wanted).where(known, torch.zeros((), dtype=torch.float64)).abs()
    shifted = (boxes.double() - theirs[1].double()).abs()
    return {
        "logits": float(apart[same].max()),
        "boxes": float(shifted[same].max()),
        "queries_compared": int(same.sum()),
        "queries_in_another_order": int((~same).sum()),
        "tokens_agree": bool((known == logits.isfinite()).all())
        and not theirs[0][:, logits.shape[-1] :].isfinite().any(),
        "deviation_of_logits": float(wanted[known].std()),
    }


def post_processing(record: Any, at: str, phrase: str) -> dict[str, Any]:
    """Its `predict` and our `read_answer` from the same logits: what is kept, in which order."""
    figures: dict[str, Any] = {"same": True}
    logits, boxes = (
        torch.from_numpy(record[f"{at}/{one}"]) for one in ("read/logits", "float32/boxes")
    )
    answer = read_answer(logits, boxes)
    for threshold, _ in THRESHOLDS:
        theirs = [record[f"{at}/read/{threshold}/{one}"] for one in ("boxes", "scores", "texts")]
        order = np.argsort(-theirs[1], kind="stable")
        keep = (answer.scores > threshold).numpy()
        same = np.array_equal(answer.boxes.numpy()[keep], theirs[0][order])
        same &= np.array_equal(answer.scores.numpy()[keep], theirs[1][order])
        # We ask for one phrase at a time, so a box is of that phrase; the package spells it from
        # the tokens above a second threshold, which may be some of its words.
        read = [set(text.replace("[CLS]", "").replace("[SEP]", "").split()) for text in theirs[2]]
        asked = set(caption(phrase).replace(".", " ").split())
        foreign = sum(not words <= asked for words in read)
        figures[f"above {threshold}"] = {
            "candidates": len(read),
            "same_boxes_and_scores": bool(same),
            "phrase_read_whole": sum(words == asked for words in read),
            "phrase_read_in_part": sum(words < asked for words in read),
            "another_phrase_read": foreign,
        }
        figures["same"] &= bool(same) and not foreign
    return figures


def end_to_end(grounder: TransformersGrounder, record: Any, picture: str) -> dict[str, Any]:
    """From the picture, each with its own preprocessing: theirs rounds to 8 bits once more."""
    view = view_of(record, picture)
    (ours,) = grounder.ask(view, PHRASES[:1])
    full = {one: torch.from_numpy(record[f"{picture}/full/{one}"]) for one in FULL}
    apart = (prepare(view)[0] - full["input"]).abs()
    theirs = read_answer(full["logits"], full["boxes"])
    return {
        "input_greatest": float(apart.max()),
        "input_mean": float(apart.mean()),
        **nearest(ours, theirs),
    }


def prepared_alike(grounder: TransformersGrounder, record: Any) -> dict[str, Any]:
    """From the picture at full size, for both prepared and read as FaceA does it."""
    ours = grounder.ask(view_of(record, PICTURES[0]), PHRASES[:2])
    return {
        phrase: nearest(answer, Answer(*theirs))
        for phrase, answer, theirs in zip(
            PHRASES,
            ours,
            (
                [
                    torch.from_numpy(record[f"prepared/{number}/{one}"])
                    for one in ("boxes", "scores")
                ]
                for number in range(2)
            ),
            strict=False,
        )
    }


def batched(grounder: TransformersGrounder, record: Any) -> dict[str, Any]:
    """Phrases of unequal length in one pass of the model, against each in a pass of its own."""
    view = view_of(record, PICTURES[0])
    alone, together = (
        TransformersGrounder(grounder.model, grounder.tokenizer, batch=size).ask(
            view, PHRASES, shortest=400
        )
        for size in (1, len(PHRASES))
    )
    figures = [nearest(one, other) for one, other in zip(together, alone, strict=True)]
    return {key: max(one[key] for one in figures) for key in ("median", "worst")}


def nearest(ours: Answer, theirs: Answer) -> dict[str, Any]:
    """Of their best answers: how far our nearest one is, in box or score, whichever is more."""
    both = [torch.cat([one.boxes, one.scores[:, None]], dim=1) for one in (ours, theirs)]
    gaps = torch.cdist(both[1][:SURE], both[0], p=float("inf")).amin(dim=1)
    return {
        "answers": len(gaps),
        "within_0.01": int((gaps < NEAR).sum()),
        "median": float(gaps.median()),
        "worst": float(gaps.max()),
    }


def view_of(record: Any, picture: str) -> Tensor:
    return torch.from_numpy(record[f"{picture}/pixels"].copy()).permute(2, 0, 1)[None] / 255


if __name__ == "__main__":
    main()
