"""The library as others import it: its names, and what docs/python.md says of them."""

import inspect
import re
from pathlib import Path

import pytest

import facea_core
from facea_core import Subject

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")
HEADINGS = re.findall(r"^### `(\w+)(?:\((.*)\))?`$", PAGE, re.MULTILINE)


def test_every_public_name_has_its_entry_and_no_other():
    assert sorted(name for name, _ in HEADINGS) == sorted(facea_core.__all__)


@pytest.mark.parametrize(("name", "said"), HEADINGS)
def test_an_entry_says_how_it_is_called(name: str, said: str):
    if name == "FaceAError":
        return
    parameters = inspect.signature(getattr(facea_core, name)).parameters
    told = [part.strip() for part in said.split(", ")]
    # A config of many fields shows the first ones.
    shown = told[:-1] if told[-1] == "…" else told
    expected = []
    for key, parameter in parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in expected:
            expected.append("*")
        default = parameter.default
        text = "Subject()" if default == Subject() else repr(default).replace("'", '"')
        expected.append(key if default is parameter.empty else f"{key}={text}")
    assert shown == (expected[: len(shown)] if told[-1] == "…" else expected)


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="train_person"):
        facea_core.train_person  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "facea_core" / "py.typed").read_text() == ""
    assert '"py.typed"' in (ROOT / "pyproject.toml").read_text()
