"""`facea template`: from pictures to a folder of templates, with reasons for those left out."""

from __future__ import annotations

from ...detection.base import Detector
from ...errors import ConfigError, FaceAError, quoted
from ...portraits import add_template, examine, read_template, template_files
from ...portraits.files import TemplateFile
from ..talk import note, say
from ..templates import ACTIONS, TemplateCommand
from .detectors import open_detector


def template(flags: TemplateCommand) -> None:
    if flags.action not in ACTIONS:
        raise ConfigError(f"{quoted(flags.action)} is no action; it is add or check")
    if flags.action == "add" and flags.into is None:
        raise ConfigError("a template is added to a folder; name it with --into")
    pictures = template_files(flags.pictures)
    if flags.keep is not None and len(pictures) != 1:
        raise ConfigError(f"--keep is for one picture, and there are {len(pictures)}")
    detector, unfit = open_detector(flags), 0
    for path in pictures:
        try:
            one = read_template(path)
            reason = _reason(one, detector, flags)
        except FaceAError as error:
            one, reason = None, str(error)
        if one is None or reason:
            unfit += 1
            note(f"{path}: not fit, {reason}")
        elif flags.action == "check" or flags.into is None:
            say(f"{path}: fit")
        else:
            said = flags.prompt or one.prompt, flags.faces or one.faces
            say(str(add_template(path, flags.into, *said, keep=flags.keep)))
    if unfit == len(pictures):
        raise FaceAError(
            f"none of the {unfit} pictures is fit for {flags.people} people; the reasons are above"
        )


def _reason(one: TemplateFile, detector: Detector, flags: TemplateCommand) -> str:
    seen = examine(
        one.image, one.path.name, detector, flags.resolution, faces=flags.faces or one.faces
    )
    return seen.lacks(flags.people)
