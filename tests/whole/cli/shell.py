"""Commands as they are typed."""

from pathlib import Path

import pytest

from facea_core.cli import main

SMALL = ["--preset", "tiny", "--rank", "4", "--batch", "1", "--variants", "1"]
SMALL += ["--detector", "landmarks", "--device", "cpu"]


def train(world: Path, *arguments: object, photos: tuple[str, ...] = ("ada.png",)) -> int:
    words = [*photos, "--base", "base", "--name", "ada", "--class", "woman", "--steps", "2", *SMALL]
    paths = [str(world / word) if (world / word).exists() else word for word in words]
    return main(["train", *paths, *map(str, arguments)])


def failed(capsys: pytest.CaptureFixture[str], status: int, *words: str) -> None:
    """Exit status 1 and one line on stderr that holds the words.

    Before it may come notes on the photos, how the training was planned, and that the miniature
    is none for photographs.
    """
    said = capsys.readouterr()
    assert status == 1, said
    assert said.out == ""
    *notes, error = said.err.splitlines()
    assert error.startswith("facea ")
    known = (".png: ", "; about ", "has only seen painted people")
    assert all(any(words in note for words in known) for note in notes)
    for word in words:
        assert word in error


def compose(world: Path, *arguments: object) -> int:
    words = [world / "ada.png", "--identity", world / "ada.safetensors", "--base", world / "base"]
    words += ["--out", "made.png", "--steps", "1", "--detector", "landmarks", "--device", "cpu"]
    return main(["compose", *map(str, words), *map(str, arguments)])
