"""The bench of restoring: what is measured of an undamaged photo, and the tables."""

import pytest

from benchmarks.control import restore
from benchmarks.control.bench import Bench
from benchmarks.control.form import Control


def test_an_undamaged_photo_is_the_clean_picture(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(restore, "DAMAGES", {restore.UNDAMAGED: restore.DAMAGES["undamaged"]})
    monkeypatch.setattr(restore, "PLAIN", {name: name for name in ("photo", "round trip")})
    bench = Bench(Control(first=900, people=2, hosts=1))
    found = list(restore.paint_restored(bench, 0, lambda *_: True))  # type: ignore[arg-type]
    photo, trip = (one.figures for one in found)
    assert photo["outside"] == trip["outside"] == 0
    assert photo["psnr"] > 90 > trip["psnr"] > 20
    assert photo["likeness"] > 0.8
    assert photo["detail"] > restore.LEFT_ALONE


def test_the_tables_say_what_is_ahead_who_is_known_and_who_is_left_alone():
    def row(arm: str, person: int, **figures: float) -> dict:
        return {"person": f"person-{person}", "arm": arm, "scene": 0, **figures}

    measured = dict.fromkeys(restore.MEASURES, 0.5)
    rows = []
    for person in range(3):
        for level in ("mild", "severe"):
            for arm in (*restore.PLAIN, *restore.ARMS):
                rows.append(row(f"{level}, {arm}", person, **measured, detail=0.9))
            for other in range(restore.OTHERS + 1):
                rows.append(row(f"{level}, who {other}", person, known=0.1 - other))
    lines = restore.table(rows).splitlines()
    assert "| severe | caption | 0.00 (0.00 to 0.00)" in "\n".join(lines)
    assert "| mild | 1.00 | 1.00 | 0.00 |" in lines
    assert "| severe | 1.00 |" in lines
