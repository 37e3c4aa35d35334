"""All pictures of the bench on one page to look at: a table per task, a column per arm."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import DictLoader, Environment, StrictUndefined

from ..likeness.journal import Row

_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>What a word controls</title>
<style>
body { font: 14px sans-serif; margin: 2em; }
td { text-align: center; font-size: 11px; }
th { font-size: 11px; vertical-align: bottom; max-width: 128px; }
img { width: 128px; image-rendering: pixelated; }
</style>
{% for task, (arms, lines) in tasks.items() %}
<h2>{{ task }}</h2>
<table>
<tr><th></th>{% for arm in arms %}<th>{{ arm }}</th>{% endfor %}</tr>
{% for name, shown in lines.items() %}
<tr><td>{{ name }}</td>
{% for arm in arms %}<td>{% if arm in shown %}
<img loading="lazy" src="{{ shown[arm]|urlencode }}" alt="{{ name }}, {{ arm }}">
{% endif %}</td>{% endfor %}
</tr>
{% endfor %}
</table>
{% endfor %}
"""


def page(rows: Sequence[Row]) -> str:
    """HTML to lie beside the `pictures` folder of the rows."""
    tasks: dict[str, tuple[dict[str, None], dict[str, dict[str, str]]]] = {}
    for row in rows:
        task, _, arm = row["arm"].partition(": ")
        arms, lines = tasks.setdefault(task, ({}, {}))
        arms[arm] = None
        shown = lines.setdefault(f"{row['person']}, {row['scene']}", {})
        shown[arm] = picture(task, arm, row["person"], row["scene"])
    environment = Environment(
        loader=DictLoader({"page": _PAGE}), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page").render(tasks=tasks)


def picture(task: str, arm: str, person: str, scene: int) -> str:
    """Where an image lies in the folder of the bench."""
    return f"pictures/{task}/{arm}/{person}-{scene}.png"
