"""How good a face recogniser becomes that learns from a set, told by people whom it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import process_time

from safetensors.torch import save_file
from tqdm import tqdm

from facea_core.io.files import atomic_path

from ..control.bench import by_person, markdown
from ..likeness.journal import Row
from ..likeness.tables import cell, difference, estimate
from .bench import PHOTO, TRUTH, Bench, Task
from .learn import learn, vectors_of
from .metrics import MEASURES, recognition

NAME, REFERENCE = "downstream", "sampled"


def work(bench: Bench) -> None:
    """Every arm with every seed, those of one seed after each other; the encoders are kept."""
    flags, (number, count) = bench.flags, bench.share
    units = [(seed, arm) for seed in range(flags.seeds) for arm in bench.arms][number - 1 :: count]
    for seed, arm in tqdm(units, desc="recognisers", disable=None, leave=False):
        heads, person = bench.heads(arm), f"seed-{seed}"
        if not bench.left(NAME, arm, [person], heads.source):
            continue
        began = process_time()
        network = learn(heads, seed, flags.steps, moved=arm == PHOTO)
        seconds = process_time() - began
        path = flags.out / "encoders" / f"{arm}-{seed}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            state = {name: one.contiguous() for name, one in network.state_dict().items()}
            save_file(state, temporary)
        figures = recognition(vectors_of(network, bench.test.crops), bench.test.labels)
        about = {"people": len(heads.labels.unique()), "pictures": len(heads.labels)}
        bench.add(NAME, arm, person, heads.source, {**about, **figures, "seconds": seconds})


def table(rows: Sequence[Row]) -> str:
    """Each arm by itself; its error beside those of truth and photos, and of the set `sampled`."""
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    by_seed = {
        name: {arm: by_person(rows, arm, lambda some, name=name: float(some[0][name]))
               for arm in arms}
        for name in (*MEASURES, "people", "pictures", "seconds")
    }  # fmt: skip
    errors = by_seed["eer"]
    against = [arm for arm in (TRUTH, PHOTO) if arm in arms]
    compared = REFERENCE in arms
    lines = []
    for arm in sorted(arms, key=lambda arm: (arm == PHOTO, arm != TRUTH, arm != REFERENCE, arm)):
        about = {name: next(iter(by_seed[name][arm].values())) for name in ("people", "pictures")}
        line = [f"`{arm}`", f"{about['pictures']:.0f} of {about['people']:.0f}"]
        line += [cell(estimate(list(by_seed[name][arm].values())), signed=False)
                 for name in MEASURES]  # fmt: skip
        line += [_ratio(errors[arm], errors[other]) for other in against]
        if compared:
            line += _worse(errors[arm], errors[REFERENCE]) if arm != REFERENCE else ["", ""]
        seconds = by_seed["seconds"][arm].values()
        lines.append([*line, f"{sum(seconds) / len(seconds):.0f}"])
    head = ["Arm", "Pictures of people", "EER, %", "TAR, %", "Rank 1, %"]
    head += [f"EER in that of `{other}`" for other in against]
    head += [f"EER less that of `{REFERENCE}`", "Worse in"] if compared else []
    said = [f"- {name}: {text}" for name, text in MEASURES.items()]
    seeds = len(next(iter(errors.values())))
    text = f"Means over {seeds} seeds, with 95 % intervals over seeds.\n\n"
    return "\n".join([text + markdown([*head, "CPU s"], lines), "", *said])


def _ratio(mine: Mapping[str, float], others: Mapping[str, float]) -> str:
    """The mean error in that of others, over the seeds that both have."""
    both = [seed for seed in mine if seed in others]
    total = sum(others[seed] for seed in both)
    return f"{sum(mine[seed] for seed in both) / total:.2f}" if total else ""


def _worse(mine: Mapping[str, float], others: Mapping[str, float]) -> list[str]:
    both = [seed for seed in mine if seed in others]
    worse = sum(mine[seed] > others[seed] for seed in both)
    return [cell(difference(mine, others), signed=True), f"{worse} of {len(both)}"]


TASK = Task(NAME, work, table)
