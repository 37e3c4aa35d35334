"""Processes that may take no more than so much memory."""

import json
import subprocess
import sys

import pytest

from facea_core import machine

needs_limits = pytest.mark.skipif(sys.platform != "linux", reason="ulimit -d as Linux has it")


def under_limit(script: str, gigabytes: float) -> subprocess.CompletedProcess[str]:
    """A script in a process of its own that may take so much."""
    begin = (
        "import resource as r; "
        f"r.setrlimit(r.RLIMIT_DATA, ({int(gigabytes * 1e9)}, {int(gigabytes * 1e9)}))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", begin + script], capture_output=True, text=True, timeout=120
    )


@needs_limits
def test_the_limit_of_the_process_counts():
    script = "from facea_core.machine import available_memory; print(available_memory())"
    there = int(under_limit(script, 2).stdout)
    assert 0 < there < 2e9
    everything = machine.available_memory()
    assert everything is None or everything > 0


@needs_limits
def test_linux_without_memory_steps_down_the_ladder():
    """`torch.empty` of more than the limit fails in torch itself; the next way fits."""
    script = """
import json, torch
from facea_core.backbone.spec import TINY
from facea_core.training import TrainConfig, plan_training
from facea_core.training.fallback import with_fallback
from facea_core.training.memory import step_down
config, spec = TrainConfig(batch=8), TINY.spec
said = []
def work(plan):
    try:
        # As a step does: the more pictures at once, the more bytes.
        return torch.ones(plan.micro_batch * 200_000_000, dtype=torch.uint8).nbytes
    except RuntimeError as error:
        said.append(str(error).partition(chr(10))[0])
        raise
cheaper = lambda plan: step_down(plan, spec, config, torch.float32)
plan = plan_training(spec, config, torch.float32, None)
size, plan = with_fallback(work, plan, cheaper)
print(json.dumps([size, plan.micro_batch, said, plan.notes]))
"""
    run = under_limit(script, 1.9)
    assert run.returncode == 0, run.stderr
    size, micro_batch, said, notes = json.loads(run.stdout)
    assert micro_batch < 8
    assert size == micro_batch * 200_000_000
    assert any("can't allocate memory" in line for line in said)
    assert any("out of memory with" in note for note in notes)
