"""The contract of the nodes that come before a training: photos, and what is found in them."""

from __future__ import annotations

from .promise import ATTRIBUTES, Promise, Socket, Widget, combo

PHOTO_NODES = {
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
            "references": Socket("IMAGE", optional=True),
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
}
