"""One view, several phrases: where Grounding-DINO sees each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import DetectorError
from ...types import Size
from .model import TOKENIZER, load_model

if TYPE_CHECKING:
    from transformers import GroundingDinoForObjectDetection

SHORTEST, LONGEST, LEAST = 800, 1333, 480
"""Sides in pixels: the model was trained on images whose shortest side has 480 to 800."""

_STRIP, _MOST = 64, 16384
"""Sides in pixels of what the model is shown of an image that is far longer than high."""

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

OnWork = Callable[[], None]
"""Called again and again while a model works. To cancel, raise."""


class Answer(NamedTuple):
    """`boxes (N, 4)`: centre x, y, width, height in [0, 1] of the view; `scores (N,)` in [0, 1].

    float32 on the CPU, best score first.
    """

    boxes: Tensor
    scores: Tensor


class Grounder(Protocol):
    """A model that is asked for phrases in a view."""

    def ask(
        self, view: Tensor, phrases: Sequence[str], shortest: int = SHORTEST
    ) -> tuple[Answer, ...]:
        """One answer per phrase for `view` `(1, 3, h, w)` in [0, 1]; each phrase is asked alone.

        The view is seen with a shortest side of `shortest` pixels: the work grows with its square.
        """
        ...


class LazyGrounder:
    """Loads its model when it is first asked: until then it costs nothing."""

    def __init__(self, load: Callable[[], Grounder]) -> None:
        self._load = load
        self._grounder: Grounder | None = None

    def ask(
        self, view: Tensor, phrases: Sequence[str], shortest: int = SHORTEST
    ) -> tuple[Answer, ...]:
        if self._grounder is None:
            self._grounder = self._load()
        return self._grounder.ask(view, phrases, shortest)


class TransformersGrounder:
    """Grounding-DINO as transformers has it. Every phrase is a pass of its own, batched."""

    def __init__(
        self,
        model: GroundingDinoForObjectDetection,
        tokenizer: Any,
        *,
        batch: int = 4,
        on_work: OnWork | None = None,
    ) -> None:
        """`batch` is how many phrases go through the model at a time: memory grows with it."""
        self.model, self.tokenizer = model, tokenizer
        self.batch, self.on_work = batch, on_work

    @torch.no_grad()
    def ask(
        self, view: Tensor, phrases: Sequence[str], shortest: int = SHORTEST
    ) -> tuple[Answer, ...]:
        """As `Grounder.ask`. Raises DetectorError if the model answers with NaN."""
        answers: list[Answer] = []
        pixels = prepare(view, shortest).to(self.model.device, self.model.dtype)
        with one_view(self.model), working(self.model, self.on_work), _one_format(self.model):
            for start in range(0, len(phrases), self.batch):
                asked = [caption(phrase) for phrase in phrases[start : start + self.batch]]
                tokens = self.tokenizer(asked, padding=True, return_tensors="pt")
                tokens = {key: value.to(pixels.device) for key, value in tokens.items()}
                seen = self.model(pixels.expand(len(asked), -1, -1, -1), **tokens)
                answers += map(read_answer, seen.logits, seen.pred_boxes)
        return tuple(answers)


def load_grounder(
    path: str | Path,
    device: str | torch.device = "cpu",
    on_work: OnWork | None = None,
    dtype: torch.dtype = torch.float32,
) -> TransformersGrounder:
    """The grounder with the weights at `path`; raises as `load_model` does.

    bfloat16 takes half the memory and rounds boxes to about 1/256 of the view. The tokenizer is the
    one beside the weights, if they are a folder that has one, else the one of the package.
    """
    device = torch.device(device)
    model = load_model(path).to(device=device, dtype=dtype)  # pyright: ignore[reportCallIssue]
    batch = 1 if device.type == "cpu" else 4
    return TransformersGrounder(model, load_tokenizer(path), batch=batch, on_work=on_work)


def load_tokenizer(path: str | Path | None = None) -> Any:
    """BERT's tokenizer: of the folder `path` if it has a vocabulary, else the package's own."""
    import transformers

    folder = Path(path) if path else TOKENIZER
    if not any((folder / name).is_file() for name in ("vocab.txt", "tokenizer.json")):
        folder = TOKENIZER
    # By name: transformers 5 has it as an alias that type checkers do not see. No AutoTokenizer: a
    # folder can ask that one to run code.
    kind: Any = getattr(transformers, "BertTokenizerFast")  # noqa: B009
    return kind.from_pretrained(str(folder), local_files_only=True)


def caption(phrase: str) -> str:
    """A phrase as the model was trained on it: lower case, with a full stop."""
    return phrase.strip().lower().rstrip(".").rstrip() + "."


def prepare(view: Tensor, shortest: int = SHORTEST) -> Tensor:
    """`(1, 3, h, w)` in [0, 1] at the size the model is shown, normalised as ImageNet is."""
    mean, std = (torch.tensor(one).view(1, 3, 1, 1) for one in (_MEAN, _STD))
    size = size_for((view.shape[-2], view.shape[-1]), shortest)
    seen = F.interpolate(view.float().cpu(), size, mode="bilinear", antialias=True)
    return (seen - mean) / std


def size_for(size: Size, shortest: int = SHORTEST) -> Size:
    """(H, W) with that shortest side, or less so that the longest is at most 5/3 of it.

    At 800 these are the sizes of the authors' own code: 800, and at most 1333; but for images
    more than 20 times as long as high, which that code fails on.
    """
    short, long = min(size), max(size)
    side = min(shortest, round(LONGEST / SHORTEST * shortest * short / long))
    # The model chooses 900 places to look at: a mere strip of an image must have as many.
    side = max(side, _STRIP)
    other = min(int(side * long / short), _MOST)
    return (side, other) if size[0] <= size[1] else (other, side)


def read_answer(logits: Tensor, boxes: Tensor) -> Answer:
    """From `logits (Q, L)` by query and token, -inf where there is no token, and `boxes (Q, 4)`.

    The score of a query is that of its likeliest token, as in the paper's own code.
    """
    logits, boxes = logits.float().cpu(), boxes.float().cpu()
    if torch.isnan(logits).any() or not torch.isfinite(boxes).all():
        raise DetectorError(
            "Grounding-DINO answers with NaN; its weights are damaged, or too large for the "
            "number format: use float32, or download them again"
        )
    scores, order = logits.sigmoid().amax(dim=1).sort(descending=True, stable=True)
    return Answer(boxes[order], scores)


def _one_format(model: GroundingDinoForObjectDetection) -> AbstractContextManager[Any]:
    """In older transformers the model mixes float32 of its own with halved weights."""
    halved = model.dtype in (torch.bfloat16, torch.float16)
    return torch.autocast(model.device.type, model.dtype) if halved else nullcontext()


@contextmanager
def one_view(model: GroundingDinoForObjectDetection) -> Iterator[None]:
    """Within the block the model sees the first image of a batch only, in place of all.

    The phrases of a batch share their image, and the vision backbone is a good part of the work.
    """
    inner: Any = model.model
    inner.backbone = _OneView(inner.backbone)
    try:
        yield
    finally:
        inner.backbone = inner.backbone.backbone


class _OneView(nn.Module):
    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.position_embedding = backbone.position_embedding

    def forward(self, pixels: Tensor, mask: Tensor) -> tuple[list[Any], list[Tensor]]:
        count = len(pixels)
        maps, positions = self.backbone(pixels[:1], mask[:1])
        return (
            [(one.expand(count, -1, -1, -1), seen.expand(count, -1, -1)) for one, seen in maps],
            [one.expand(count, -1, -1, -1) for one in positions],
        )


@contextmanager
def working(model: nn.Module, on_work: OnWork | None) -> Iterator[None]:
    """Within the block `on_work` is called before every layer: a pass lasts seconds on a CPU."""
    if on_work is None:
        yield
        return
    work: OnWork = on_work
    hooks = [module.register_forward_pre_hook(lambda *_: work()) for module in model.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
