"""The page of the likeness bench."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from benchmarks.likeness.arms import REFERENCE
from benchmarks.likeness.html import page
from benchmarks.likeness.subjects import Subject
from benchmarks.likeness.tables import results

from .rows import rows


def test_a_page_shows_any_name_and_finds_its_pictures(subject: Subject, tmp_path: Path):
    one = replace(subject, name="<i>Zoë's</i> #1".replace("/", ""), caption='"a & b"')
    picture = tmp_path / "pictures" / REFERENCE / f"{one.name}-0.png"
    picture.parent.mkdir(parents=True)
    picture.touch()
    html = page(results(rows()), [one], tmp_path, 2)
    assert html.startswith("<!doctype html>")
    assert one.name not in html
    assert unescape(html).count(f"<h3>{one.name} <small>{one.caption}</small>") == 1
    (source,) = re.findall(r'<img loading=lazy src="([^"]*)">', html)
    assert tmp_path / unquote(source) == picture
