"""What a U-Net predicts: as asked, as its file says in any spelling, or as its family does."""

from __future__ import annotations

from ..errors import BackboneError, ConfigError, quoted
from .spec import PREDICTIONS, SD2, Family
from .stored import Stored, read_tensors

_SPELLINGS = {
    "eps": "epsilon",
    "epsilon": "epsilon",
    "v": "v_prediction",
    "v_prediction": "v_prediction",
    "v_pred": "v_prediction",
    "vpred": "v_prediction",
    "velocity": "v_prediction",
    "none": None,
    "": None,
}
_OTHERS = ("sample", "x0", "flow")
_LAST_NORM = (
    "output_blocks.11.1.transformer_blocks.0.norm1.bias",
    "up_blocks.3.attentions.2.transformer_blocks.0.norm1.bias",
)


def prediction_of(
    stored: Stored, family: Family, inpainting: bool, asked: str | None
) -> tuple[str | None, tuple[str, ...]]:
    """What the U-Net predicts, None = as its family does; and notes about what was not understood.

    Raises ConfigError for another `asked` than those of `PREDICTIONS`, BackboneError for a
    checkpoint that says it predicts something else.
    """
    if asked is not None:
        if asked not in PREDICTIONS:
            raise ConfigError(
                f"prediction is {quoted(asked)}, which is unknown; choose one of: "
                f"{', '.join(PREDICTIONS)}"
            )
        return asked, ()
    notes = ()
    if stored.prediction is not None:
        said = stored.prediction.strip().lower().replace("-", "_")
        if said.startswith(_OTHERS):
            raise BackboneError(
                f"{stored.name} states that it predicts {quoted(stored.prediction)}, which FaceA "
                f"does not support; give another model, or, if that is wrong, --prediction "
                f"{' or '.join(PREDICTIONS)}"
            )
        if known := _SPELLINGS.get(said):
            return known, ()
        if said not in _SPELLINGS:
            notes = (
                f"{stored.name} states that it predicts {quoted(stored.prediction)}, which is "
                f"unknown: taken for what models of {family.spec.family} predict; --prediction "
                f"{' or '.join(PREDICTIONS)} outweighs it",
            )
    if family is SD2 and not inpainting:
        # Nothing in the file says it, but the models that predict v have a wider last norm: the
        # rule that ComfyUI goes by.
        norm = {key: slot for key, slot in stored.parts.unet.items() if key in _LAST_NORM}
        wide = any(t.float().std(correction=0) > 0.09 for t in read_tensors(norm).values())
        return "v_prediction" if wide else "epsilon", notes
    return None, notes
