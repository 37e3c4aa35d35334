"""Sets of pictures of learned people: the same person in many different pictures."""

from typing import TYPE_CHECKING

from ..late import door

if TYPE_CHECKING:
    from .config import AXES, DatasetConfig
    from .hosts import Host, host_of, read_hosts
    from .one_person import (
        hash_of_identity,
        hosts_of,
        kept_images,
        person_photos,
        require_pictures,
        set_figures,
        shortage,
        write_one,
    )
    from .painting import Compose, Paint, painter, painter_by
    from .people import person_of
    from .plan import plan_set
    from .run import model_tools
    from .sample import OnTry, Shared, Tools, Unit, sample_person
    from .values import Picture, Sampled

__getattr__ = door(
    __name__,
    {
        "config": ("AXES", "DatasetConfig"),
        "hosts": ("Host", "host_of", "read_hosts"),
        "one_person": (
            *("hash_of_identity", "hosts_of", "kept_images", "person_photos"),
            *("require_pictures", "set_figures", "shortage", "write_one"),
        ),
        "painting": ("Compose", "Paint", "painter", "painter_by"),
        "people": ("person_of",),
        "plan": ("plan_set",),
        "run": ("model_tools",),
        "sample": ("OnTry", "Shared", "Tools", "Unit", "sample_person"),
        "values": ("Picture", "Sampled"),
    },
)

__all__ = [
    "AXES",
    "Compose",
    "DatasetConfig",
    "Host",
    "OnTry",
    "Paint",
    "Picture",
    "Sampled",
    "Shared",
    "Tools",
    "Unit",
    "hash_of_identity",
    "host_of",
    "hosts_of",
    "kept_images",
    "model_tools",
    "painter",
    "painter_by",
    "person_of",
    "person_photos",
    "plan_set",
    "read_hosts",
    "require_pictures",
    "sample_person",
    "set_figures",
    "shortage",
    "write_one",
]
