"""What the nodes promise to workflows that people have saved: names, order, types, defaults.

A graph saved with one version of the pack must load with the next. Inputs keep their names and
order and new ones go last; whoever changes a row here breaks somebody's workflow.
"""

from __future__ import annotations

from .painting_nodes import PAINTING_NODES
from .photo_nodes import PHOTO_NODES
from .promise import ATTRIBUTES, IDENTITY, Promise, Socket, Widget, combo

NODES = {
    **PHOTO_NODES,
    **PAINTING_NODES,
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
            "preset": combo("auto", "paper", "stylised", "selective", "tiny", "tiny-selective"),
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
            "auto_captions": Widget("BOOLEAN", False, optional=True),
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
    "FaceATrainFolder": Promise(
        "FaceA Train Folder (train everybody)",
        {
            "model": Socket("MODEL"),
            "clip": Socket("CLIP"),
            "vae": Socket("VAE"),
            "folder": Widget("STRING", "people"),
            "class_noun": Widget("STRING", "person"),
            "preset": combo("auto", "paper", "stylised", "selective", "tiny", "tiny-selective"),
            "steps": Widget("INT", 0, 0, 100000),
            "seed": Widget("INT", 0, 0, 2**64 - 1),
            "policy": combo("warn", "skip", "stop", default="skip"),
            "words": Widget("STRING", "male"),
            "detector": combo("auto", "mesh", "landmarks", "tiny", "grounding-dino"),
            "on_missing": combo("error", "skip", "pass", "estimate", default="skip"),
            "previews": Widget("INT", 4, 0, 64),
            "settings": Widget("STRING", ""),
            "captions": Widget("BOOLEAN", False, optional=True),
        },
        {
            "identities": IDENTITY,
            "names": "STRING",
            "previews": "IMAGE",
            "table": "STRING",
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
