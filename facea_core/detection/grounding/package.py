"""The package groundingdino-py behind the same questions, for those who have it already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import DetectorError, MissingDependencyError
from . import keys
from .grounder import (
    SHORTEST,
    Answer,
    OnWork,
    caption,
    load_tokenizer,
    prepare,
    read_answer,
    working,
)
from .model import VARIANTS, read_weights

_PACKAGE = "groundingdino"
_INSTEAD = "use the detector 'grounding-dino': it reads the same weights and does not need it"

_CONFIGS = {"SwinT": "GroundingDINO_SwinT_OGC.py", "SwinB": "GroundingDINO_SwinB_cfg.py"}

# What the package takes from BERT, and transformers 5 has dropped.
_NEEDED = ("get_extended_attention_mask", "invert_attention_mask", "get_head_mask")

# Labels of the training and a buffer, in every published file; the package passes over them too.
_LEFT_OVER = {"label_enc.weight", "bert.embeddings.position_ids"}
# Not used, or computed by the model itself; files converted by others may lack them.
_SPARE = ("bert.pooler.", "relative_position_index")


class PackageGrounder:
    """Grounding-DINO as groundingdino-py has it, in float32. Every phrase is a pass of its own."""

    def __init__(self, model: Any, *, on_work: OnWork | None = None) -> None:
        self.model, self.on_work = model, on_work

    @torch.no_grad()
    def ask(
        self, view: Tensor, phrases: Sequence[str], shortest: int = SHORTEST
    ) -> tuple[Answer, ...]:
        """As `Grounder.ask`. Raises DetectorError if the model answers with NaN."""
        pixels = prepare(view, shortest).to(next(self.model.parameters()).device)
        answers: list[Answer] = []
        with working(self.model, self.on_work):
            for phrase in phrases:
                seen = self.model(pixels, captions=[caption(phrase)])
                answers.append(read_answer(seen["pred_logits"][0], seen["pred_boxes"][0]))
        return tuple(answers)


def load_package_grounder(
    path: str | Path, device: str | torch.device = "cpu", on_work: OnWork | None = None
) -> PackageGrounder:
    """The grounder with the weights in the file `path`, which must have the authors' layout.

    Nothing is downloaded: the weights hold BERT, and its vocabulary ships with FaceA. Raises
    MissingDependencyError where the package cannot work, and AssetError or DetectorError for the
    file as `load_model` does.
    """
    require_package()
    state = read_weights(path)
    if keys.layout(state) != "original":
        raise DetectorError(
            f"{path} has the layout of transformers, which groundingdino-py cannot read; use the "
            "detector 'grounding-dino', or a file such as groundingdino_swint_ogc.pth"
        )
    variant = VARIANTS.get(keys.patch_width(state))
    if variant is None:
        raise DetectorError(f"{path} is no Grounding-DINO of a known size (SwinT, SwinB)")
    model = build_model(variant.name)
    state = {key: value for key, value in state.items() if key not in _LEFT_OVER}
    try:
        missing, unexpected = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise DetectorError(f"{path} does not fit {variant.name}: {error}") from error
    missing = [key for key in missing if not any(part in key for part in _SPARE)]
    if missing or unexpected:
        examples = ", ".join([*missing, *unexpected][:3])
        raise DetectorError(
            f"{path} does not fit {variant.name}: {len(missing)} tensors missing, "
            f"{len(unexpected)} unknown (such as {examples}); download it again"
        )
    return PackageGrounder(model.to(device), on_work=on_work)


def require_package() -> None:
    """Raises MissingDependencyError, saying what to do, if groundingdino-py cannot work here."""
    import transformers

    # First, for installing the package would then not help, but replace transformers for everybody.
    if not all(hasattr(transformers.BertModel, name) for name in _NEEDED):
        raise MissingDependencyError(
            f"groundingdino-py cannot work with transformers {transformers.__version__}: it needs "
            f"4.x; {_INSTEAD}"
        )
    if find_spec(_PACKAGE) is None:
        raise MissingDependencyError(
            "the detector groundingdino-py needs the package of that name, which is not installed; "
            f"install it with: pip install 'facea-net[groundingdino]', or {_INSTEAD}"
        )


def build_model(variant: str) -> nn.Module:
    """groundingdino-py's model "SwinT" or "SwinB" with untrained weights, ready to answer.

    Raises MissingDependencyError as `require_package` does, and if the package cannot be imported.
    """
    require_package()
    try:
        # The package finds its models only when this one is imported.
        from groundingdino import config, models  # pyright: ignore[reportMissingImports]
        from groundingdino.util.slconfig import SLConfig  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingDependencyError(
            f"groundingdino-py is installed, but cannot be imported ({error}); {_INSTEAD}"
        ) from error
    settings = SLConfig.fromfile(str(Path(config.__file__).with_name(_CONFIGS[variant])))
    settings.device = "cpu"
    # They spare memory in training, and answer with warnings outside of it.
    settings.use_checkpoint = settings.use_transformer_ckpt = False
    with _bert_from_here():
        return models.build_model(settings).eval()


@contextmanager
def _bert_from_here() -> Iterator[None]:
    """Within the block the package takes BERT from here, which it would download.

    The weights that are loaded later hold BERT's as well.
    """
    from groundingdino.util import get_tokenlizer as source  # pyright: ignore[reportMissingImports]
    from transformers import BertConfig, BertModel

    before = source.get_tokenlizer, source.get_pretrained_language_model
    source.get_tokenlizer = lambda _: load_tokenizer()
    source.get_pretrained_language_model = lambda _: BertModel(BertConfig())
    try:
        yield
    finally:
        source.get_tokenlizer, source.get_pretrained_language_model = before
