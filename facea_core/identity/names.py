"""What people and their words may be called."""

from __future__ import annotations

import re
import unicodedata

from ..attributes import Attribute
from ..errors import ConfigError, quoted
from ..settings import check_text

GLOBAL_PROMPT = "a photo of a {class} with {words}"
LOCAL_PROMPT = "a photo of {words} of a {class}"
"""What the whole face and one part are repainted by, unless a training says otherwise."""

LONGEST_NAME = 64
"""Characters of the longest name, which has to fit into names of files with an addition."""

_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]*")
_SPOKEN = re.compile(r"(?=.*[a-z0-9])[a-z0-9 _.'-]+")
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)))
)


def check_name(name: str) -> str:
    """The name of an identity, which becomes part of its words and of files. Raises `ConfigError`.

    At most `LONGEST_NAME` characters, and none that Windows keeps for a device.
    """
    if len(name) > LONGEST_NAME:
        raise ConfigError(
            f"identity name {name[:20]!r}… has {len(name)} characters; give it at most "
            f"{LONGEST_NAME}"
        )
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"identity name {name!r} may hold only a-z, 0-9, - and _, and not begin with -; try "
            f"{_proposal(name)!r}"
        )
    if name in _DEVICES:
        raise ConfigError(
            f"identity name {name!r} is a device on Windows, where no file can have it; try "
            f"{_proposal(name)!r}"
        )
    return name


def person_name(text: str) -> tuple[str, list[str]]:
    """The name that a person gets of what somebody typed, and notes: "Ada Lovelace" is saved as
    "ada-lovelace". Raises `ConfigError` where nothing of it can be kept, and as `check_name`.
    """
    check_text("name", text)
    plain = text.strip()
    if not plain:
        raise ConfigError("give the person a name: a-z, 0-9, - and _, such as ada")
    if _NAME.fullmatch(plain) or len(plain) > LONGEST_NAME:
        return check_name(plain), []
    known = unicodedata.normalize("NFKD", plain.lower())
    known = "".join(one for one in known if not unicodedata.combining(one))
    # What other alphabets or a path would leave is another person's name, or none.
    if not _SPOKEN.fullmatch(known):
        return check_name(plain), []
    name = check_name(_proposal(known))
    return name, [f"{quoted(plain)} is saved as {name}"]


def _proposal(name: str) -> str:
    """A name that is allowed, like this one."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "person"
    return f"{plain}-1" if plain in _DEVICES else plain


def check_class_noun(noun: str) -> str:
    """What the person is, as prompts say it: a word or a few, not empty. Raises `ConfigError`."""
    check_text("class noun", noun, LONGEST_NAME)
    if not noun.strip() or not noun.isprintable() or "embedding:" in noun:
        raise ConfigError(f"class noun is {quoted(noun)}; give a word such as 'woman' or 'man'")
    return noun


def placeholder(name: str, attribute: Attribute) -> str:
    """`<identity>/<attribute>`."""
    return f"{name}/{attribute.name}"
