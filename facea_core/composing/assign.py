"""Which identity is painted over which face, where the order of faces does not say it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import ConfigError, quoted
from ..settings import check_text
from ..types import Identity

MOST_FACES = 99

_ONE = re.compile(r"\s*(\d{1,4})\s*(?::\s*(\S(?:.*\S)?))?\s*")


def assigned(text: str, identities: Sequence[Identity | None]) -> list[Identity | None]:
    """The identity of each face, in the order of faces, by a text such as "2, 1" or "2:ada, 1:ben".

    Numbers count from 1 and stand for the identities in their order; all of them for the only one.
    An empty text leaves the order as it is. Raises ConfigError for what is no such list, a number
    above `MOST_FACES` or that is given twice, an unknown name, or more numbers than identities.
    """
    check_text("faces", text)
    if not text.strip():
        return list(identities)
    people = [one for one in identities if one is not None]
    named = {one.name: one for one in people}
    if not people:
        raise ConfigError(f"faces is {quoted(text)}, and no identity is wired to be painted there")
    over: dict[int, Identity] = {}
    for place, piece in enumerate(text.split(",")):
        found = _ONE.fullmatch(piece)
        if found is None or not 1 <= int(found[1]) <= MOST_FACES:
            raise ConfigError(
                f"faces has {quoted(piece.strip())}; give numbers of faces from 1, such as '2, 1' "
                "or '2:ada, 1:ben'"
            )
        number, name = int(found[1]), found[2]
        if number in over:
            raise ConfigError(f"faces has face {number} twice; one person is painted over a face")
        if name is not None and name not in named:
            raise ConfigError(
                f"faces asks for {quoted(name)}; the wired people are {', '.join(named)}"
            )
        if name is None and len(people) > 1 and place >= len(people):
            raise ConfigError(
                f"faces has more numbers than the {len(people)} people; name whom, as in '2:ada'"
            )
        over[number] = named[name] if name else people[place if len(people) > 1 else 0]
    return [over.get(number) for number in range(1, max(over) + 1)]
