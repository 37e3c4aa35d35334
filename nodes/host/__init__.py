"""All that FaceA knows of ComfyUI: only this folder imports `comfy` and `folder_paths`."""

from .condition import examine_host, warn_of_differences
from .cropped import Followed
from .detectors import detector_models, open_detector, register_detectors
from .folders import (
    NONE,
    chosen_identity,
    elsewhere,
    embeddings_folder,
    file_fingerprint,
    identities_folders,
    identity_files,
    input_folder,
    loras_folder,
    relative_name,
    runs_folder,
)
from .layout import (
    ROOM,
    Pictures,
    image_of,
    image_out,
    images_in,
    images_to_paint,
    in_room,
    larger,
    mask_of,
    masks_in,
)
from .lists import lists_of, photos_in, photos_out, split
from .mixing import laid_out, without_dynamic
from .models import clip_skip_notes, make_room, spec_of, training_backbone, training_hash
from .painting import (
    FRAME_SEEDS,
    Studio,
    composer,
    paint_jobs,
    painting_inputs,
    rank_by,
    smear_notes,
    wired_outputs,
)
from .patching import (
    clip_vocabularies,
    load_report,
    lora_weights,
    painting_model,
    with_lora,
    with_words,
)
from .plain import plain_numbers
from .presets import AUTO, chosen_config, model_to_train, preset_input
from .progress import Cancelled, Progress, say
from .regions import in_crop
from .results import Results, report_of, said_of, tell
from .sampled import hosts_in, set_painter
from .sampling import Paint, encode, paint_crop, samplers, schedulers
from .saving import graph_texts, output_files, output_folder
from .schema import field_input, own_choices, people_wired, schema, wired
from .segs import faces_wired, segs_of
from .tiny import register_tiny
from .training_progress import PeopleProgress, TrainingProgress
from .wiring import is_wired, left_out

__all__ = [
    "AUTO",
    "chosen_config",
    "model_to_train",
    "preset_input",
    "FRAME_SEEDS",
    "larger",
    "rank_by",
    "wired_outputs",
    "Studio",
    "paint_jobs",
    "painting_inputs",
    "said_of",
    "smear_notes",
    "tell",
    "NONE",
    "ROOM",
    "Cancelled",
    "Paint",
    "PeopleProgress",
    "Pictures",
    "Progress",
    "Results",
    "TrainingProgress",
    "chosen_identity",
    "clip_skip_notes",
    "composer",
    "clip_vocabularies",
    "Followed",
    "detector_models",
    "elsewhere",
    "embeddings_folder",
    "encode",
    "examine_host",
    "faces_wired",
    "field_input",
    "file_fingerprint",
    "graph_texts",
    "hosts_in",
    "identities_folders",
    "identity_files",
    "image_of",
    "image_out",
    "images_in",
    "images_to_paint",
    "in_crop",
    "in_room",
    "input_folder",
    "is_wired",
    "laid_out",
    "left_out",
    "lists_of",
    "lora_weights",
    "loras_folder",
    "load_report",
    "make_room",
    "mask_of",
    "masks_in",
    "open_detector",
    "output_files",
    "output_folder",
    "own_choices",
    "people_wired",
    "paint_crop",
    "painting_model",
    "photos_in",
    "photos_out",
    "plain_numbers",
    "register_detectors",
    "register_tiny",
    "relative_name",
    "report_of",
    "runs_folder",
    "samplers",
    "say",
    "schedulers",
    "schema",
    "segs_of",
    "set_painter",
    "spec_of",
    "split",
    "training_backbone",
    "training_hash",
    "warn_of_differences",
    "wired",
    "with_lora",
    "with_words",
    "without_dynamic",
]
