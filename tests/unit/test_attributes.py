import pytest

from facea_core.attributes import ATTRIBUTES, PRESETS, attribute_table
from facea_core.errors import ConfigError


@pytest.mark.parametrize(("preset", "count"), [("male", 3), ("female", 4)])
def test_presets_have_the_words_of_the_paper(preset, count):
    table = attribute_table(preset)
    assert [attribute.name for attribute in table] == list(PRESETS[preset])
    assert len(table) == count
    assert len(attribute_table(f"face-{preset}")) == count


@pytest.mark.parametrize("names", ["nose, eyes", " Nose,EYES,", ["nose", "eyes"], ("nose", "eyes")])
def test_a_list_keeps_its_order(names):
    assert [attribute.name for attribute in attribute_table(names)] == ["nose", "eyes"]


def test_names_are_keys_and_one_name_is_a_list():
    assert all(name == attribute.name for name, attribute in ATTRIBUTES.items())
    assert attribute_table("mouth") == (ATTRIBUTES["mouth"],)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("eyes, nosse", "'nosse'.*'nose'"),
        (["eyez"], "'eyez'.*'eyes'"),
        ("femail", "'femail'.*'female'"),
        ("zzz", "'zzz'.*known.*eyes.*male"),
        ("", "no attributes.*male"),
        ([], "no attributes"),
        ("eyes,eyes", "'eyes'.*more than once"),
    ],
)
def test_a_wrong_list_says_what_and_what_instead(names, said):
    with pytest.raises(ConfigError, match=said):
        attribute_table(names)
