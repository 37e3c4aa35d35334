"""groundingdino-py's models, made without a download: what ours are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groundingdino import config, models
from groundingdino.util import get_tokenlizer as source
from groundingdino.util.slconfig import SLConfig
from torch import nn
from transformers import BertConfig, BertModel

from facea_core.detection.grounding.grounder import load_tokenizer

_CONFIGS = {"SwinT": "GroundingDINO_SwinT_OGC.py", "SwinB": "GroundingDINO_SwinB_cfg.py"}


def build_model(variant: str) -> nn.Module:
    """The model "SwinT" or "SwinB" with untrained weights, ready to answer."""
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
    before = source.get_tokenlizer, source.get_pretrained_language_model
    source.get_tokenlizer = lambda _: load_tokenizer()
    source.get_pretrained_language_model = lambda _: BertModel(BertConfig())
    try:
        yield
    finally:
        source.get_tokenlizer, source.get_pretrained_language_model = before
