"""Everybody learned, each mixed with two others in every arm, once; and the table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from time import perf_counter

from tqdm import tqdm

from facea_core.backbone import load_backbone
from facea_core.cli.talk import say
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes
from facea_core.detection.load import load_detector
from facea_core.evaluation.identity_encoder import load_attribute_probe
from facea_core.io.files import atomic_path
from facea_core.io.generated_images import save_generated
from facea_core.io.output_files import require_writable_folder
from facea_core.selection import part_finder
from facea_core.settings import read_settings
from facea_core.training import TrainConfig

from ..likeness.config import BenchmarkConfig
from ..likeness.journal import Journal, Row, read_rows
from ..likeness.tables import Estimate, difference, estimate
from .form import Control
from .mix import ARMS, MEASURES, cast, measured, mix_hosts, of_person, painted
from .run import learn
from .truth import COLUMNS

OURS, RIVAL, CEILING = "in turn", "stacked", "chimera"


def run(flags: Control) -> None:
    """Whatever is not done yet, then the table of all that is in the folder."""
    out = flags.out / "mix"
    require_writable_folder(out)
    number, count = BenchmarkConfig(part=flags.part).share
    backbone, detector, probe = load_backbone("tiny"), load_detector("tiny"), load_attribute_probe()
    config = TrainConfig.from_preset(
        "tiny", **{**read_settings(flags.settings), "attributes": ", ".join(COLUMNS)}
    )
    about = {"backbone": backbone.hash, "training": config.hash, "first": flags.first}
    journal, find = Journal(out, about, number), part_finder(detector)
    learned = cache(lambda index: learn(flags, index, backbone, detector, config))
    wanted = DetectConfig(", ".join(COLUMNS), on_missing="estimate")
    mine = cast(flags.first, flags.people)[number - 1 :: count]
    for roles in tqdm(mine, desc="mixes", disable=None, leave=False):
        done = {(row["person"], row["arm"], row["scene"]) for row in read_rows(out)}
        name = f"person-{roles['rest']}"
        hosts = mix_hosts(flags.first, roles, flags.hosts, backbone.spec.resolution)
        for k, host in enumerate(hosts):
            missing = [arm for arm in ARMS if (name, arm, k) not in done]
            if not missing:
                continue
            people = {role: learned(index) for role, index in roles.items()}
            (face,) = detect_attributes([host.before.image], detector, wanted)
            assert face is not None  # "estimate" answers for every picture
            for arm in missing:
                began, seed = perf_counter(), 1000 * (flags.first + roles["rest"]) + k
                image = painted(arm, people, host, face, backbone, find, seed)
                save_generated(image, out / "pictures" / arm / f"{name}-{k}.png")
                journal.add({
                    "person": name, "arm": arm, "scene": k, **measured(probe, host, image),
                    "seconds": perf_counter() - began,
                })  # fmt: skip
    text = table(read_rows(out))
    with atomic_path(out / "table.md") as temporary:
        temporary.write_text(text, "utf-8")
    say(text)


def table(rows: Sequence[Row]) -> str:
    """Each arm's measures over people, and FaceA's way beside its rival and the ceiling."""
    lines = [f"| {' | '.join(['Arm', *MEASURES])} |", "|---" * (len(MEASURES) + 1) + "|"]
    values = {arm: {name: _people(rows, arm, name) for name in MEASURES} for arm in ARMS}
    for arm, about in ARMS.items():
        cells = [_shown(estimate(list(of.values()))) for of in values[arm].values()]
        lines.append(f"| {arm}: {about} | {' | '.join(cells)} |")
    lines.append("")
    for name in ("exact", "mixed"):
        more = difference(values[OURS][name], values[RIVAL][name])
        ceiling = estimate(list(values[CEILING][name].values())).mean
        share = estimate(list(values[OURS][name].values())).mean / ceiling if ceiling else 0.0
        lines.append(f"{name}: {OURS} less {RIVAL} {_shown(more)}; {share:.2f} of the ceiling")
    return "\n".join([*lines, ""])


def _people(rows: Sequence[Row], arm: str, measure: str) -> dict[str, float]:
    mine: dict[str, list[Row]] = {}
    for row in rows:
        if row["arm"] == arm:
            mine.setdefault(row["person"], []).append(row)
    return {person: of_person(some)[measure] for person, some in mine.items()}


def _shown(one: Estimate) -> str:
    return f"{one.mean:.2f} ({one.low:.2f} to {one.high:.2f})"
