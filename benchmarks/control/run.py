"""Everybody learned, every part of every host repainted in every arm, once; and the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from time import perf_counter

from tqdm import tqdm

from facea_core.backbone import Backbone, load_backbone
from facea_core.cli.talk import say
from facea_core.detection.base import Detector
from facea_core.detection.config import DetectConfig
from facea_core.detection.detect import detect_attributes
from facea_core.detection.load import load_detector
from facea_core.evaluation.identity_encoder import load_attribute_probe
from facea_core.identity.subject import Subject
from facea_core.identity_store.store import train_once
from facea_core.io.files import atomic_path
from facea_core.io.generated_images import save_generated
from facea_core.io.output_files import require_writable_folder
from facea_core.settings import read_settings
from facea_core.training import TrainConfig
from facea_core.types import FaceAttributes, Identity

from ..likeness.config import BenchmarkConfig
from ..likeness.journal import Journal, Row, read_rows
from ..likeness.subjects import painted_subject
from ..likeness.tables import Estimate, difference, estimate
from .form import Control
from .measure import MEASURES, measured, of_person
from .repaint import ARMS, Person, repaint
from .truth import COLUMNS, Host, hosts

SELECTIVITY = ("LoRA + word", "LoRA + class word")
"""The same weights asked by the person's word and by an ordinary one."""


def run(flags: Control) -> None:
    """Whatever is not done yet, then the table of all that is in the folder."""
    require_writable_folder(flags.out)
    number, count = BenchmarkConfig(part=flags.part).share
    backbone, detector, probe = load_backbone("tiny"), load_detector("tiny"), load_attribute_probe()
    config = TrainConfig.from_preset(
        "tiny", **{**read_settings(flags.settings), "attributes": ", ".join(COLUMNS)}
    )
    about = {"backbone": backbone.hash, "training": config.hash, "first": flags.first}
    journal = Journal(flags.out, about, number)
    learned = cache(lambda index: _learn(flags, index, backbone, detector, config))
    mine = range(number - 1, flags.people, count)
    for index in tqdm(mine, desc="people", disable=None, leave=False):
        done = {(row["person"], row["arm"], row["scene"]) for row in read_rows(flags.out)}
        for k, host in enumerate(hosts(flags.first + index, flags.hosts, backbone.spec.resolution)):
            missing = [arm for arm in ARMS if (f"person-{index}", arm, k) not in done]
            if not missing or (face := _found(host, detector)) is None:
                continue
            person = Person(learned(index), learned((index + 1) % flags.people))
            for arm in missing:
                began, seed = perf_counter(), 1000 * (flags.first + index) + k
                image = repaint(arm, person, host, face, backbone, seed)
                save_generated(image, flags.out / "pictures" / arm / f"person-{index}-{k}.png")
                journal.add({
                    "person": f"person-{index}", "arm": arm, "scene": k, "part": host.part,
                    **measured(probe, host, image), "seconds": perf_counter() - began,
                })  # fmt: skip
    text = table(read_rows(flags.out))
    with atomic_path(flags.out / "table.md") as temporary:
        temporary.write_text(text, "utf-8")
    say(text)


def _learn(
    flags: Control, index: int, backbone: Backbone, detector: Detector, config: TrainConfig
) -> Identity:
    number = flags.first + index
    subject = painted_subject(number, 0, backbone.spec.resolution, detector)
    folder = flags.out / "identities" / f"person-{index}"
    return train_once(
        subject.photos, backbone, replace(config, seed=number), folder, folder / "runs",
        Subject(f"person-{index}", subject.noun),
    ).identity  # fmt: skip


def _found(host: Host, detector: Detector) -> FaceAttributes | None:
    """The face as a user's picture would be searched; None where the part is not found."""
    wanted = DetectConfig(host.part, on_missing="skip")
    (face,) = detect_attributes([host.before.image], detector, wanted)
    return face


def table(rows: Sequence[Row]) -> str:
    """Each arm's measures over people, by part too, and how selective the word is."""
    head = ["Arm", *MEASURES, *(f"transfer, {part}" for part in COLUMNS)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for arm in ARMS:
        cells = [_shown(estimate(list(_people(rows, arm, name).values()))) for name in MEASURES]
        for part in COLUMNS:
            some = [row for row in rows if row["part"] == part]
            cells.append(_shown(estimate(list(_people(some, arm, "transfer").values()))))
        lines.append(f"| {arm}: {ARMS[arm].about} | {' | '.join(cells)} |")
    word, plain = (_people(rows, arm, "transfer") for arm in SELECTIVITY)
    selective = _shown(difference(word, plain))
    return "\n".join([*lines, "", f"Selectivity, {' less '.join(SELECTIVITY)}: {selective}", ""])


def _people(rows: Sequence[Row], arm: str, measure: str) -> dict[str, float]:
    """Person -> one measure, of those that have the arm."""
    mine: dict[str, list[Row]] = {}
    for row in rows:
        if row["arm"] == arm:
            mine.setdefault(row["person"], []).append(row)
    return {person: of_person(some)[measure] for person, some in mine.items()}


def _shown(one: Estimate) -> str:
    return f"{one.mean:.2f} ({one.low:.2f} to {one.high:.2f})"
