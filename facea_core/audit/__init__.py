"""What photos are worth before a person is learned from them: red, amber, green, with reasons."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .alike import audit_embedder
    from .audit import apply_policy, audit_photos
    from .captions import COLOURLESS, captioned, shown_of
    from .config import EMBEDDERS, POLICIES, AuditConfig
    from .likeness import (
        Comparison,
        Likeness,
        compare_pictures,
        comparison_json,
        judge_likeness,
        likeness_line,
        likeness_text,
    )
    from .person import only_of
    from .show import audit_json, audit_line, audit_table, audit_text, draw_audit
    from .unreadable import with_unreadable
    from .upright import crop_photos, upright_crop, upright_photo
    from .values import AMBER, GREEN, RED, Audit, Finding, Measures, PhotoAudit

__getattr__ = door(
    __name__,
    {
        "alike": ("audit_embedder",),
        "audit": ("apply_policy", "audit_photos"),
        "captions": ("COLOURLESS", "captioned", "shown_of"),
        "config": ("EMBEDDERS", "POLICIES", "AuditConfig"),
        "likeness": (
            "Comparison",
            "Likeness",
            "compare_pictures",
            "comparison_json",
            "judge_likeness",
            "likeness_line",
            "likeness_text",
        ),
        "person": ("only_of",),
        "show": ("audit_json", "audit_line", "audit_table", "audit_text", "draw_audit"),
        "unreadable": ("with_unreadable",),
        "upright": ("crop_photos", "upright_crop", "upright_photo"),
        "values": ("AMBER", "GREEN", "RED", "Audit", "Finding", "Measures", "PhotoAudit"),
    },
)

__all__ = [
    "AMBER",
    "COLOURLESS",
    "EMBEDDERS",
    "GREEN",
    "POLICIES",
    "RED",
    "Audit",
    "AuditConfig",
    "Comparison",
    "Finding",
    "Likeness",
    "Measures",
    "PhotoAudit",
    "apply_policy",
    "audit_embedder",
    "audit_json",
    "audit_line",
    "audit_photos",
    "audit_table",
    "audit_text",
    "captioned",
    "compare_pictures",
    "comparison_json",
    "crop_photos",
    "draw_audit",
    "judge_likeness",
    "likeness_line",
    "likeness_text",
    "only_of",
    "shown_of",
    "upright_crop",
    "upright_photo",
    "with_unreadable",
]
