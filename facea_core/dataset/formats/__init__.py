"""The formats of a set of pictures: one file each, which writes it beside images/."""

from typing import TYPE_CHECKING

from ...late import door

if TYPE_CHECKING:
    from .names import FORMATS, HELP, parse_formats, require_formats
    from .replaced import require_own
    from .write import write_formats

__getattr__ = door(
    __name__,
    {
        "names": ("FORMATS", "HELP", "parse_formats", "require_formats"),
        "replaced": ("require_own",),
        "write": ("write_formats",),
    },
)

__all__ = ["FORMATS", "HELP", "parse_formats", "require_formats", "require_own", "write_formats"]
