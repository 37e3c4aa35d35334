"""Templates, pictures to paint people into again and again: checked, seated, ranked."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .files import add_template, read_templates
    from .names import ORDERS
    from .paint import Sitting, paint_portraits, targets
    from .ranking import ranked, score
    from .seats import seats_by_likeness, seats_in_order
    from .template import Template, examine

__getattr__ = door(
    __name__,
    {
        "files": ("add_template", "read_templates"),
        "names": ("ORDERS",),
        "paint": ("Sitting", "paint_portraits", "targets"),
        "ranking": ("ranked", "score"),
        "seats": ("seats_by_likeness", "seats_in_order"),
        "template": ("Template", "examine"),
    },
)

__all__ = [
    "ORDERS",
    "Sitting",
    "Template",
    "add_template",
    "examine",
    "paint_portraits",
    "ranked",
    "read_templates",
    "score",
    "seats_by_likeness",
    "seats_in_order",
    "targets",
]
