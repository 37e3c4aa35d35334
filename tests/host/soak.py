"""Hundreds of prompts on one ComfyUI, some interrupted, some wrong: what it holds after them.

    python -m tests.host.soak [--prompts 300] [--warm-up 100]

Trainings, pictures and detections by turns; one in five is interrupted, one in ten is refused by
design. Prints memory, descriptors and threads, and by how much memory rises in 100 prompts after
the warm-up, as a line through all of them has it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import linear_regression

import psutil

from .client import Client, Event
from .graph import Graph, only
from .install import location
from .server import Server
from .test_endurance import composing, detecting, learning

KINDS = (detecting, composing, learning)


def wrong(index: int) -> Graph:
    """A training that is refused."""
    graph = learning(index)
    graph[only(graph, "FaceAEmbeddingTrainer").id]["inputs"]["settings"] = '{"no such setting": 1}'
    return graph


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--warm-up", type=int, default=100)
    flags = parser.parse_args()
    prompts = flags.prompts
    memory: list[float] = []
    ended = {"done": 0, "interrupted": 0, "refused": 0, "stray": 0}
    with tempfile.TemporaryDirectory() as folder:
        server = Server(location(), Path(folder) / "base")
        with server, Client(server.url) as client:
            process = psutil.Process(server.pid)
            for index in range(prompts):
                graph = (wrong if index % 10 == 9 else KINDS[index % 3])(index)
                asked: list[Event] = []

                def cancel(event: Event, asked: list[Event] = asked, index: int = index) -> None:
                    if index % 5 == 2 and event.kind == "progress" and not asked:
                        asked.append(event)
                        client.interrupt()

                run = client.wait(client.queue(graph), cancel)
                how = (
                    "interrupted" if run.interrupted else "done" if run.error is None else "refused"
                )
                if run.error is not None and "no such setting" not in str(run.error):
                    how = "stray"
                    print(f"prompt {index}: {str(run.error)[:200]}", flush=True)
                ended[how] += 1
                memory.append(server.memory)
                if index % 50 == 49:
                    print(
                        f"{index + 1}: {memory[-1]:.0f} MiB, {process.num_fds()} descriptors, "
                        f"{process.num_threads()} threads",
                        flush=True,
                    )
    late = memory[flags.warm_up :]
    slope = 100 * linear_regression(range(len(late)), late).slope
    print(
        f"{prompts} prompts: {ended}; after {flags.warm_up} memory rises by {slope:.1f} MiB in 100"
    )
    return int(ended["stray"] > 0)


if __name__ == "__main__":
    sys.exit(main())
