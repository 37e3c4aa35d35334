"""Templates, pictures to paint people into again and again: checked, seated, ranked."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .files import add_template, read_template, template_files
    from .kept import Portrait, rank_portraits, read_portrait, write_portrait
    from .names import ORDERS
    from .paint import Sitting, paint_portrait, targets
    from .ranking import ranked, score
    from .seats import seats_by_likeness, seats_in_order
    from .template import Template, examine

__getattr__ = door(
    __name__,
    {
        "files": ("add_template", "read_template", "template_files"),
        "kept": ("Portrait", "rank_portraits", "read_portrait", "write_portrait"),
        "names": ("ORDERS",),
        "paint": ("Sitting", "paint_portrait", "targets"),
        "ranking": ("ranked", "score"),
        "seats": ("seats_by_likeness", "seats_in_order"),
        "template": ("Template", "examine"),
    },
)

__all__ = [
    "ORDERS",
    "Portrait",
    "Sitting",
    "Template",
    "add_template",
    "examine",
    "paint_portrait",
    "rank_portraits",
    "ranked",
    "read_portrait",
    "read_template",
    "score",
    "seats_by_likeness",
    "seats_in_order",
    "targets",
    "template_files",
    "write_portrait",
]
