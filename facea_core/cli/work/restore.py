"""`facea restore`: one damaged photo, or an album of them."""

from __future__ import annotations

from ...composing import ComposeConfig
from ...detection.config import DetectConfig
from ...errors import ConfigError
from ...io.generated_images import save_generated
from ...io.images import picture_format
from ...restoring.config import RestoreConfig
from ..restoring import RestoreCommand
from ..talk import hand_over, notes, painting_bar, require_outputs, say
from .album import check_album, restore_album
from .workshop import open_workshop


def restore(
    flags: RestoreCommand, config: RestoreConfig, painting: ComposeConfig, detection: DetectConfig
) -> None:
    if not flags.photos:
        raise ConfigError("there is nothing to repair; give a damaged photo, or a folder of them")
    path, *more = flags.photos
    if more or path.is_dir():
        files = check_album(flags)
        restore_album(open_workshop(flags, config, painting, detection), files)
        return
    picture_format(flags.out)
    if flags.strip is not None:
        picture_format(flags.strip)
    require_outputs(flags.out, flags.strip, flags.json)
    workshop = open_workshop(flags, config, painting, detection)
    with painting_bar(0) as on_step:
        made = workshop.repair(path, on_step)
    save_generated(made.image, flags.out)
    if flags.strip is not None and made.strip is not None:
        save_generated(made.strip, flags.strip)
    hand_over({"image": str(flags.out), **made.figures, "notes": made.notes}, flags.json)
    notes(str(path), made.notes)
    if str(flags.json) != "-":
        say(str(flags.out))
