"""The list of commands, and the flags that scripts rely on."""

import pytest

from facea_core import __version__
from facea_core.cli import COMMANDS, main


def test_without_a_command_the_commands_are_listed(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed for name in COMMANDS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"facea {__version__}\n"


def test_an_unknown_command_names_the_nearest(capsys):
    assert main(["trian"]) == 2
    assert "'train'" in capsys.readouterr().err


SHAPES = {
    "demo": "--out --seed --steps",
    "detect": "--detector --json --preview --config",
    "audit": "--detector --attributes --policy --resolution --json --overlay --crops --embedder",
    "train": "--policy --base --name --class --preset --steps --out --run --resume --config "
    "--prediction --resolution --micro-batch --checkpointing --masked-latent --capture",
    "train-all": "--base --out --class --classes --preset --steps --captions --policy --engine "
    "--workers --address --dry-run --device --config",
    "compose": "--identity --base --out --prompt --face-index --seed --references --candidates "
    "--control --hint --control-strength --control-end --config",
    "edit": "--edit --identity --base --out --parts --mask --amount --handover --seed --config",
    "crop": "--out --size --parts --mask --region --grow --feather --json --config",
    "paste": "--crop --crops --out --colour-match --json --config",
    "slider": "--base --out --positive --negative --neutral --steps --guidance --run --resume",
    "mix": "--how --out --name",
    "restore": "--identity --base --out --prompt --mask --strength --fidelity --seed --json",
    "portrait": "--identity --base --out --prompt --photos --by-likeness --candidates --seed",
    "dataset": "--identities --hosts --base --out --format --count --axes --lower --upper --tries "
    "--engine --workers --address --dry-run --licence --consent --seed",
    "new-people": "--identities --hosts --base --out --count --seed --steps",
    "template": "--into --people --resolution --prompt --faces --keep",
    "hints": "--out --kind --blend --head --hair --photos --mask --faces --detector --json",
    "evaluate": "--references --held-out --json",
    "info": "--json",
    "doctor": "--json",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_flags_that_scripts_rely_on_are_there(name: str, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    listed = capsys.readouterr().out.split()
    assert [
        flag for flag in SHAPES[name].split() if flag not in {w.strip(",") for w in listed}
    ] == []
