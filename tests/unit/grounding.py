"""A small Grounding-DINO with random weights, for tests."""

from pathlib import Path

import pytest
import torch
from transformers import (
    BertConfig,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    SwinConfig,
)

from facea_core.detection.grounding.grounder import TransformersGrounder, load_tokenizer


def small_model(seed: int = 0) -> GroundingDinoForObjectDetection:
    """All parts of the real one, a few layers each; 30 queries."""
    torch.manual_seed(seed)
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=64,
            window_size=4,
            embed_dim=24,
            depths=[1, 1, 1, 1],
            num_heads=[1, 2, 2, 2],
            out_indices=[2, 3, 4],
        ),
        text_config=BertConfig(
            hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
        ),
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        num_queries=30,
    )
    model = GroundingDinoForObjectDetection(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.03)
    return model


def save_small(folder: Path, seed: int = 0) -> Path:
    small_model(seed).save_pretrained(folder)
    load_tokenizer().save_pretrained(folder)
    return folder


def see_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Views at a quarter of the side, for speed."""
    plain = TransformersGrounder.ask
    monkeypatch.setattr(
        TransformersGrounder, "ask", lambda *args, **_: plain(*args[:3], shortest=200)
    )
