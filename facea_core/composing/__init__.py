"""Painting identities into an image: the one call is `compose_identity`."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .assign import assigned
    from .batch import Job, Jobs, plan_batch
    from .candidates import Rank, candidate_seed
    from .chosen import chosen_masks, part_names
    from .compose import Painter, Revise, compose_faces, compose_identity
    from .config import PREVIEW, ComposeConfig, EditConfig
    from .control import Control
    from .cropped import FaceCrops, crop_faces, crop_spec, paste_faces
    from .crops_file import load_crops, save_crops
    from .edit import edit_target, edited, edited_parts
    from .faces import Crop, Edit, Revision, TargetFace
    from .masks import blend_weight, face_mask, faces_mask, soften
    from .mixed import Find, check_not_mixed, mixed_faces, mixed_parts
    from .pairs import fitted
    from .parts import WantedPart, part_faces, wanted_parts
    from .pieces import mask_pieces
    from .plan import plan_crop
    from .prompts import face_prompt, prompt_for
    from .sampler import OnPaint, inpaint
    from .solvers import Level, Model, levels_at
    from .stitch import crop_alike, crop_image, crop_mask, filled, match_colour, piece_alike
    from .together import most_together, paint_together

__getattr__ = door(
    __name__,
    {
        "assign": ("assigned",),
        "batch": ("Job", "Jobs", "plan_batch"),
        "candidates": ("Rank", "candidate_seed"),
        "chosen": ("chosen_masks", "part_names"),
        "compose": ("Painter", "Revise", "compose_faces", "compose_identity"),
        "config": ("PREVIEW", "ComposeConfig", "EditConfig"),
        "control": ("Control",),
        "cropped": ("FaceCrops", "crop_faces", "crop_spec", "paste_faces"),
        "crops_file": ("load_crops", "save_crops"),
        "edit": ("edit_target", "edited", "edited_parts"),
        "faces": ("Crop", "Edit", "Revision", "TargetFace"),
        "masks": ("blend_weight", "face_mask", "faces_mask", "soften"),
        "mixed": ("Find", "check_not_mixed", "mixed_faces", "mixed_parts"),
        "parts": ("WantedPart", "part_faces", "wanted_parts"),
        "pairs": ("fitted",),
        "pieces": ("mask_pieces",),
        "plan": ("plan_crop",),
        "prompts": ("face_prompt", "prompt_for"),
        "sampler": ("OnPaint", "inpaint"),
        "solvers": ("Level", "Model", "levels_at"),
        "stitch": (
            *("crop_alike", "crop_image", "crop_mask", "filled", "match_colour", "piece_alike"),
        ),
        "together": ("most_together", "paint_together"),
    },
)

__all__ = [
    "PREVIEW",
    "ComposeConfig",
    "Control",
    "Crop",
    "Find",
    "Edit",
    "EditConfig",
    "FaceCrops",
    "Level",
    "Model",
    "Job",
    "Jobs",
    "OnPaint",
    "Painter",
    "Rank",
    "Revise",
    "Revision",
    "TargetFace",
    "WantedPart",
    "assigned",
    "blend_weight",
    "candidate_seed",
    "check_not_mixed",
    "chosen_masks",
    "compose_faces",
    "compose_identity",
    "crop_alike",
    "crop_faces",
    "crop_image",
    "crop_mask",
    "crop_spec",
    "edit_target",
    "edited",
    "edited_parts",
    "face_mask",
    "face_prompt",
    "faces_mask",
    "filled",
    "fitted",
    "inpaint",
    "levels_at",
    "load_crops",
    "mask_pieces",
    "match_colour",
    "mixed_faces",
    "mixed_parts",
    "most_together",
    "paint_together",
    "part_faces",
    "part_names",
    "paste_faces",
    "piece_alike",
    "plan_batch",
    "plan_crop",
    "prompt_for",
    "save_crops",
    "soften",
    "wanted_parts",
]
