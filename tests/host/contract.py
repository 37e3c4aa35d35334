"""What the nodes promise to workflows that people have saved: names, order, types, defaults.

A graph saved with one version of the pack must load with the next. Inputs keep their names and
order and new ones go last; whoever changes a row here breaks somebody's workflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ATTRIBUTES, IDENTITY = "FACEA_ATTRIBUTES", "FACEA_IDENTITY"


@dataclass(frozen=True)
class Socket:
    """An input that is wired."""

    type: str
    optional: bool = False


@dataclass(frozen=True)
class Widget:
    """An input that is set on the node. `options` are what a COMBO must list, in that order."""

    type: str
    default: Any = None
    min: float | None = None
    max: float | None = None
    options: tuple[str, ...] = ()
    more: bool = False
    """The list goes on with what this machine has."""
    optional: bool = False
    """Came after a release: graphs without it are still valid."""


@dataclass(frozen=True)
class Promise:
    title: str
    inputs: dict[str, Socket | Widget]
    outputs: dict[str, str]
    output_node: bool = False


def combo(
    *options: str, default: str | None = None, more: bool = False, optional: bool = False
) -> Widget:
    """A choice whose default is the first option unless named."""
    first = options[0] if options else None
    return Widget("COMBO", default or first, options=options, more=more, optional=optional)


NODES = {
    "FaceASamplePhotos": Promise(
        "FaceA Sample Photos (painted person)",
        {
            "person": Widget("INT", 3, 0, 99999),
            "photos": Widget("INT", 3, 1, 12),
            "size": Widget("INT", 128, 64, 1024),
        },
        {"photos": "IMAGE", "context": "IMAGE", "class_noun": "STRING", "description": "STRING"},
    ),
    "FaceALoadPhotos": Promise(
        "FaceA Load Photos (folder of portraits)",
        {
            "folder": Widget("STRING", "photos"),
            "order": combo("name", "newest first", "oldest first"),
            "limit": Widget("INT", 0, 0, 1000),
            "subfolders": Widget("BOOLEAN", False),
        },
        {
            "images": "IMAGE",
            "names": "STRING",
            "count": "INT",
            "report": "STRING",
            "captions": "STRING",
        },  # fmt: skip
    ),
    "FaceAAttributeDetect": Promise(
        "FaceA Attribute Detect (find face, mask)",
        {
            "images": Socket("IMAGE"),
            "words": combo("male", "female", "face-male", "face-female", "custom"),
            "custom_words": Widget("STRING", ""),
            "detector": combo(
                "auto", "mesh", "landmarks", "tiny", "grounding-dino", "groundingdino-py"
            ),
            "face_order": combo(
                "largest",
                "left-to-right",
                "score",
                "smallest",
                "right-to-left",
                "top-to-bottom",
                "bottom-to-top",
            ),
            "face_index": Widget("INT", 0, -1),
            "face_threshold": Widget("FLOAT", 0.35),
            "part_threshold": Widget("FLOAT", 0.25),
            "on_missing": combo("error", "skip", "pass", "estimate"),
            "detector_model": combo(
                "auto",
                "download swint (694 MB)",
                "download swinb (938 MB)",
                optional=True,
            ),
            "part_grow": Widget("FLOAT", 0.1, 0, optional=True),
            "part_feather": Widget("FLOAT", 0.08, 0, optional=True),
            "own_mask_of": Widget("STRING", "mouth", optional=True),
            "own_masks": Socket("MASK", optional=True),
            "faces": Widget("STRING", "", optional=True),
            "region": Socket("MASK", optional=True),
        },
        {
            "attributes": ATTRIBUTES,
            "face_mask": "MASK",
            "part_masks": "MASK",
            "preview": "IMAGE",
            "count": "INT",
            "report": "STRING",
            "segs": "SEGS",
        },
    ),
    "FaceAPhotoAudit": Promise(
        "FaceA Photo Audit (check portraits)",
        {
            "images": Socket("IMAGE"),
            "attributes": Socket(ATTRIBUTES),
            "policy": combo("warn", "skip", "stop", default="skip"),
            "resolution": Widget("INT", 512, 64, 2048),
            "crop_size": Widget("INT", 512, 64, 2048),
            "embedder": combo("auto", "landmarks", "tiny", "none"),
            "limits": Widget("STRING", ""),
        },
        {
            "images": "IMAGE",
            "attributes": ATTRIBUTES,
            "crops": "IMAGE",
            "crop_attributes": ATTRIBUTES,
            "overlay": "IMAGE",
            "table": "STRING",
            "report": "STRING",
            "all_good": "BOOLEAN",
        },
    ),
    "FaceAPartMask": Promise(
        "FaceA Part Mask (eyes, mouth, hair)",
        {
            "attributes": Socket(ATTRIBUTES),
            "parts": Widget("STRING", "eyes"),
            "faces": Widget("STRING", ""),
            "grow": Widget("FLOAT", 0.1, 0),
            "feather": Widget("FLOAT", 0.08, 0),
        },
        {"mask": "MASK", "found": "STRING"},
    ),
    "FaceAEmbeddingTrainer": Promise(
        "FaceA Embedding Trainer (train a person)",
        {
            "images": Socket("IMAGE"),
            "attributes": Socket(ATTRIBUTES),
            "model": Socket("MODEL"),
            "clip": Socket("CLIP"),
            "vae": Socket("VAE"),
            "name": Widget("STRING", "person"),
            "class_noun": Widget("STRING", "person"),
            "preset": combo("auto", "paper", "stylised", "tiny"),
            "steps": Widget("INT", 0, 0),
            "batch": Widget("INT", 0, 0),
            "rank": Widget("INT", 0, 0),
            "words_rate": Widget("FLOAT", 0.0, 0),
            "lora_rate": Widget("FLOAT", 0.0, 0),
            "seed": Widget("INT", 0, 0),
            "previews": Widget("INT", 8, 0),
            "save_words": Widget("BOOLEAN", True),
            "settings": Widget("STRING", ""),
            "captions": Socket("STRING", optional=True),
        },
        {
            "identity": IDENTITY,
            "path": "STRING",
            "previews": "IMAGE",
            "loss_plot": "IMAGE",
            "report": "STRING",
        },
        output_node=True,
    ),
    "FaceALoRALoader": Promise(
        "FaceA LoRA Loader (load a person)",
        {
            "model": Socket("MODEL"),
            "clip": Socket("CLIP"),
            "file": combo("none", more=True),
            "lora_strength": Widget("FLOAT", 1.0, -2, 2),
            "words_strength": Widget("FLOAT", 1.0, 0, 2),
            "identity": Socket(IDENTITY, optional=True),
        },
        {"model": "MODEL", "clip": "CLIP", "prompt": "STRING", "identity": IDENTITY},
    ),
    "FaceAMixPeople": Promise(
        "FaceA Mix People (eyes of one, mouth of another)",
        {
            "identity": Socket(IDENTITY),
            "how": Widget("STRING", "eyes: ada, rest: ben"),
            "identity_2": Socket(IDENTITY, optional=True),
            "identity_3": Socket(IDENTITY, optional=True),
            "identity_4": Socket(IDENTITY, optional=True),
            "save_as": Widget("STRING", "", optional=True),
        },
        {"identity": IDENTITY, "report": "STRING"},
    ),
    "FaceAInpaintCompose": Promise(
        "FaceA Inpaint Compose (paint a person, face swap)",
        {
            "image": Socket("IMAGE"),
            "model": Socket("MODEL"),
            "clip": Socket("CLIP"),
            "vae": Socket("VAE"),
            "prompt": Widget("STRING", ""),
            "negative_prompt": Widget("STRING", ""),
            "seed": Widget("INT", 0, 0),
            "steps": Widget("INT", 20),
            "cfg": Widget("FLOAT", 0.0, 0),
            "sampler_name": combo(more=True),
            "scheduler": combo(more=True),
            "denoise": Widget("FLOAT", 1.0, None, 1),
            "context_factor": Widget("FLOAT", 1.5),
            "grow": Widget("FLOAT", 0.1),
            "feather": Widget("FLOAT", 0.08),
            "neck": Widget("FLOAT", 0.3),
            "hair": Widget("BOOLEAN", True),
            "colour_match": Widget("FLOAT", 1.0),
            "lora_strength": Widget("FLOAT", 1.0),
            "mask": Socket("MASK", optional=True),
            "attributes": Socket(f"{ATTRIBUTES},SEGS", optional=True),
            "identity": Socket(IDENTITY, optional=True),
            "identity_2": Socket(IDENTITY, optional=True),
            "identity_3": Socket(IDENTITY, optional=True),
            "identity_4": Socket(IDENTITY, optional=True),
            "positive": Socket("CONDITIONING", optional=True),
            "negative": Socket("CONDITIONING", optional=True),
            "hair_room": Widget("FLOAT", 0.0, 0, optional=True),
            "candidates": Widget("INT", 1, 1, 64, optional=True),
            "references": Socket("IMAGE", optional=True),
            "frame_seed": combo("next", "same", optional=True),
            "parts": Widget("STRING", "", optional=True),
        },
        {
            "image": "IMAGE",
            "crop": "IMAGE",
            "mask": "MASK",
            "before_after": "IMAGE",
            "report": "STRING",
        },
    ),
    "FaceATrainSlider": Promise(
        "FaceA Train Slider (more or less of something)",
        {
            "model": Socket("MODEL"),
            "clip": Socket("CLIP"),
            "vae": Socket("VAE"),
            "name": Widget("STRING", "slider"),
            "positive": Widget("STRING", "a photo of a person, smiling"),
            "negative": Widget("STRING", "a photo of a person"),
            "neutral": Widget("STRING", "a photo of a person"),
            "steps": Widget("INT", 0, 0, 100000),
            "guidance": Widget("FLOAT", 0.0, 0.0, 30.0),
            "seed": Widget("INT", 0, 0, 2**64 - 1),
            "settings": Widget("STRING", ""),
        },
        {"lora": "LORA_MODEL", "path": "STRING", "loss_plot": "IMAGE", "report": "STRING"},
        output_node=True,
    ),
    "FaceAEdit": Promise(
        "FaceA Edit (smile, hair colour, glasses)",
        {
            "image": Socket("IMAGE"),
            "model": Socket("MODEL"),
            "clip": Socket("CLIP"),
            "vae": Socket("VAE"),
            "edit": Widget("STRING", "smiling"),
            "parts": Widget("STRING", ""),
            "amount": Widget("FLOAT", 1.0, 0, 1),
            "handover": Widget("INT", 150, 0, 1000),
            "negative_prompt": Widget("STRING", ""),
            "seed": Widget("INT", 0, 0),
            "steps": Widget("INT", 20),
            "cfg": Widget("FLOAT", 0.0, 0),
            "sampler_name": combo(more=True),
            "scheduler": combo(more=True),
            "denoise": Widget("FLOAT", 1.0, None, 1),
            "context_factor": Widget("FLOAT", 1.5),
            "grow": Widget("FLOAT", 0.1),
            "feather": Widget("FLOAT", 0.08),
            "colour_match": Widget("FLOAT", 1.0),
            "lora_strength": Widget("FLOAT", 1.0),
            "frame_seed": combo("next", "same"),
            "attributes": Socket(f"{ATTRIBUTES},SEGS", optional=True),
            "identity": Socket(IDENTITY, optional=True),
            "mask": Socket("MASK", optional=True),
        },
        {
            "image": "IMAGE",
            "crop": "IMAGE",
            "mask": "MASK",
            "before_after": "IMAGE",
            "report": "STRING",
        },
    ),
    "FaceASaveImage": Promise(
        "FaceA Save Image (mark as painted)",
        {
            "images": Socket("IMAGE"),
            "filename_prefix": Widget("STRING", "FaceA"),
            "format": combo("PNG", "JPEG", "WebP"),
            "quality": Widget("INT", 95, 1, 100),
            "generated": combo("part", "all"),
        },
        {},
        output_node=True,
    ),
    "FaceADoctor": Promise(
        "FaceA Doctor (what is missing?)",
        {
            "model": Socket("MODEL", optional=True),
            "clip": Socket("CLIP", optional=True),
            "vae": Socket("VAE", optional=True),
        },
        {"table": "STRING", "report": "STRING", "all_good": "BOOLEAN"},
        output_node=True,
    ),
    "FaceALikeness": Promise(
        "FaceA Likeness (is it the same person?)",
        {
            "generated": Socket("IMAGE"),
            "references": Socket("IMAGE"),
            "embedder": combo("auto", "tiny", "landmarks"),
        },
        {"likeness": "FLOAT", "verdict": "STRING", "grid": "IMAGE", "report": "STRING"},
    ),
    "FaceACompareGrid": Promise(
        "FaceA Compare Grid (before, after)",
        {
            "a": Socket("IMAGE"),
            "labels": Widget("STRING", "before, after"),
            "side": Widget("INT", 384, 64, 1024),
            "b": Socket("IMAGE", optional=True),
            "c": Socket("IMAGE", optional=True),
            "d": Socket("IMAGE", optional=True),
        },
        {"grid": "IMAGE"},
    ),
    "FaceAIdentityInfo": Promise(
        "FaceA Identity Info (about a person)",
        {
            "file": combo("none", more=True),
            "identity": Socket(IDENTITY, optional=True),
            "model": Socket("MODEL", optional=True),
            "clip": Socket("CLIP", optional=True),
        },
        {"report": "STRING", "prompt": "STRING"},
        output_node=True,
    ),
}
