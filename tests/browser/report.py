"""Takes the picture of a benchmark's page that the docs show.

python -m tests.browser.report runs/benchmark docs/benchmark.png
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .frontend import open_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZE = (1300, 1985)
"""The chart, and the first person in some of the ways."""


def main() -> None:
    folder, picture = map(Path, sys.argv[1:3])
    with open_page(SIZE) as page:
        pictures = show(page, folder)
        page.screenshot(path=picture)
    size = picture.stat().st_size // 1024
    sys.stdout.write(f"{picture}: {pictures} pictures on the page, {size} KB\n")


def show(page: Page, folder: Path) -> int:
    """Open the report; how many pictures it shows. Raises if one of them is broken."""
    page.goto((folder.resolve() / "index.html").as_uri())
    broken = page.evaluate(
        """async () => {
            const images = [...document.images]
            for (const image of images) image.loading = "eager"
            await Promise.allSettled(images.map(image => image.decode()))
            return images.filter(image => !image.naturalWidth).map(image => image.src)
        }"""
    )
    if broken:
        raise RuntimeError(f"pictures that cannot be shown: {broken}")
    return page.locator("img").count()


if __name__ == "__main__":
    main()
