"""The help that flags give."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

import pytest

from facea_core.cli import COMMANDS, main
from facea_core.cli.flags import Form, flag, parse
from facea_core.detection.config import DetectConfig
from facea_core.training.config import TrainConfig


@dataclass(frozen=True)
class Small(Form):
    """One paragraph
    on two lines.

    Another one, 100 % of it.
    """

    file: Path = flag(MISSING, "a word", "FILE", positional=True)
    word: str = flag(MISSING, "must be given")
    count: int = flag(3, "how many", min=1, max=9)
    share: float | None = flag(None, "5 % or so")
    on: bool = flag(True, "a switch")
    text: str = flag("a b", "words")


def test_the_help_has_descriptions_defaults_ranges_choices_and_paragraphs(capsys):
    with pytest.raises(SystemExit) as end:
        parse("x", Small, ["--help", "--nonsense"], detection=DetectConfig())
    assert end.value.code == 0
    told = capsys.readouterr().out
    flat = " ".join(told.split())
    for text in (
        "usage: x FILE --word TEXT [OPTIONS]",
        "FILE a word (required)",
        "--word TEXT must be given (required)",
        "--count INT how many, 1 to 9 (default: 3)",
        "--share FLOAT 5 % or so (default: none)",
        "--on, --no-on a switch (default: on)",
        "--text TEXT words (default: 'a b')",
        "--on-missing {error,skip,pass,estimate}",
    ):
        assert text in flat
    assert "\nOne paragraph on two lines.\n\nAnother one, 100 % of it.\n" in told
    assert told.index("--text") < told.index("detection options:") < told.index("--face-index")


@pytest.mark.parametrize("word", [["--preset", "tiny"], ["--base", "tiny"]])
def test_the_help_of_train_has_the_defaults_of_the_preset(word, capsys):
    told = []
    for words in ([], word):
        with pytest.raises(SystemExit):
            main(["train", *words, "--help"])
        told.append(" ".join(capsys.readouterr().out.split()))
    paper, tiny = TrainConfig(), TrainConfig.from_preset("tiny")
    assert f"1 to 100000 (default: {paper.steps})" in told[0]
    assert f"1 to 100000 (default: {tiny.steps})" in told[1]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_flag_of_any_command_lacks_its_help(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    lines = capsys.readouterr().out.splitlines()
    flags = [number for number, line in enumerate(lines) if line.startswith("  --")]
    for number in flags:
        alone = "  " not in lines[number].strip()
        assert not alone or lines[number + 1].startswith(" " * 6), lines[number]
