"""Painting people into a picture: the one call is `compose_identity`."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .batch import Job, Jobs, plan_batch
    from .candidates import Rank, candidate_seed
    from .chosen import chosen_masks, part_names
    from .compose import Painter, Piece, compose_faces, compose_identity, face_prompt, prompt_for
    from .config import PREVIEW, ComposeConfig
    from .masks import blend_weight, face_mask, faces_mask, soften
    from .pieces import mask_pieces
    from .plan import plan_crop
    from .sampler import inpaint
    from .stitch import crop_image, crop_mask, match_colour

__getattr__ = door(
    __name__,
    {
        "batch": ("Job", "Jobs", "plan_batch"),
        "candidates": ("Rank", "candidate_seed"),
        "chosen": ("chosen_masks", "part_names"),
        "compose": (
            "Painter",
            "Piece",
            "compose_faces",
            "compose_identity",
            "face_prompt",
            "prompt_for",
        ),
        "config": ("PREVIEW", "ComposeConfig"),
        "masks": ("blend_weight", "face_mask", "faces_mask", "soften"),
        "pieces": ("mask_pieces",),
        "plan": ("plan_crop",),
        "sampler": ("inpaint",),
        "stitch": ("crop_image", "crop_mask", "match_colour"),
    },
)

__all__ = [
    "PREVIEW",
    "ComposeConfig",
    "Job",
    "Jobs",
    "Painter",
    "Piece",
    "Rank",
    "blend_weight",
    "candidate_seed",
    "chosen_masks",
    "compose_faces",
    "compose_identity",
    "crop_image",
    "crop_mask",
    "face_mask",
    "face_prompt",
    "faces_mask",
    "inpaint",
    "mask_pieces",
    "match_colour",
    "part_names",
    "plan_batch",
    "plan_crop",
    "prompt_for",
    "soften",
]
