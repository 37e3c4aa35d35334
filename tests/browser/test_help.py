"""The help pages and the translations, as the front end shows them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ..host.contract import NODES
from ..host.install import ROOT
from .frontend import Frontend
from .visitor import Visitor

DOCS = ROOT / "web" / "docs"
PAGES = [page for name in NODES for page in (f"{name}.md", f"{name}/zh.md")]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_a_small_picture(page: str):
    # Relative to docs/, also from the pages in folders below it: so the front end reads it.
    (picture,) = re.findall(r"!\[.+\]\((.+?)\)", (DOCS / page).read_text("utf-8"))
    assert 5_000 < (DOCS / picture).stat().st_size <= 150 * 1024


@pytest.mark.parametrize("name", NODES)
def test_the_front_end_shows_the_page(frontend: Frontend, name: str):
    node = {"id": 1, "type": name, "pos": [100, 100], "size": [300, 100], "inputs": []}
    links = {"last_node_id": 1, "last_link_id": 0, "links": [], "groups": []}
    frontend.load({"version": 0.4, "nodes": [node], **links})
    help_page = Visitor(frontend).help(name)
    help_page.locator("h1", has_text=NODES[name].title).wait_for()
    written = (DOCS / f"{name}.md").read_text("utf-8").count("\n|---|")
    assert help_page.locator("table").count() == written >= 2
    picture = help_page.locator("img")
    frontend.page.wait_for_function("img => img.complete", arg=picture.element_handle())
    assert picture.evaluate("img => img.naturalWidth") >= 256


def test_both_languages_say_something_about_the_same_things():
    en, zh = (translation(language) for language in ("en", "zh"))
    assert keys(en) == keys(zh)
    assert [path for path, text in leaves(en) + leaves(zh) if not text.strip()] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_is_taken_for_a_command(language: str):
    """In the front end's messages @ | and braces mean something, unless written as {'|'}."""
    bare = {
        path: text
        for path, text in leaves(translation(language))
        if re.search(r"[{}@|]", re.sub(r"\{'[{}@|]'\}", "", text))
    }
    assert bare == {}


def translation(language: str) -> dict[str, Any]:
    return json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text("utf-8"))


def keys(value: Any) -> Any:
    return {key: keys(below) for key, below in value.items()} if isinstance(value, dict) else None


def leaves(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(path, value)]
    return [leaf for key, below in value.items() for leaf in leaves(below, f"{path}.{key}")]
