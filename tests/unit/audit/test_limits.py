"""The limits that photos are judged by."""

from facea_core.audit import AMBER, GREEN, RED, AuditConfig
from facea_core.audit.config import Limits
from facea_core.cli.flags import parse
from facea_core.cli.forms import AuditCommand
from facea_core.settings import updated


def test_limits_are_pairs_of_which_red_is_the_graver():
    more, less = Limits(0.3, 0.2), Limits(0.5, 0.7)
    assert [more.below(value) for value in (0.19, 0.2, 0.29, 0.3)] == [RED, AMBER, AMBER, GREEN]
    assert [less.above(value) for value in (0.5, 0.51, 0.7, 0.71)] == [GREEN, AMBER, AMBER, RED]
    assert Limits(0.1, 0.2).below(0.15) == RED


def test_each_limit_is_a_setting_of_its_own():
    flat = {
        "small_face": 0.4, "tiny_face": 0.3, "soft": 0.1, "blurred": 0.2, "dim": 0.6, "dark": 0.5,
        "bright": 0.3, "white": 0.4, "alike": 0.8, "duplicate": 0.9,
    }  # fmt: skip
    config = updated(AuditConfig(resolution=100), flat)
    assert config.face == Limits(40, 30)
    assert config.blur == Limits(0.1, 0.2)
    assert config.light == Limits(0.6, 0.5)
    assert config.clipped == Limits(0.3, 0.4)
    assert config.likeness == Limits(0.8, 0.9)
    words = [word for key, value in flat.items() for word in (f"--{key}", str(value))]
    _, configs = parse("audit", AuditCommand, words, audit=AuditConfig(resolution=100))
    assert configs["audit"] == config
