"""RecordIO is read again by a reader that was written from the format's description."""

from dataclasses import replace

import pytest

from facea_core.dataset.formats import aligned, recordio
from facea_core.errors import ConfigError

from .recordio import NUMBER, entry_of, payload_at, read_indexed
from .small_set import files_in, make_set


def read(folder):
    return read_indexed(folder / "recordio" / "train.rec", folder / "recordio" / "train.idx")


def test_pictures_people_and_head_are_read_again(tmp_path):
    pictures = make_set(tmp_path)
    (note,) = recordio.write(tmp_path, pictures)
    assert "1 picture left out" in note
    aligned.write(tmp_path, pictures)
    crops = list(files_in(tmp_path / "aligned").values())
    entries = read(tmp_path)
    count, people = 8, 3
    assert entries[0].labels == (count + 1, count + 1 + people)
    assert sorted(entries) == list(range(count + 1 + people))
    assert [entries[key].picture for key in range(1, count + 1)] == crops
    assert [entries[key].labels for key in range(1, count + 1)] == [
        (0,), (0,), (0,), (1,), (1,), (1,), (2,), (2,)
    ]  # fmt: skip
    ranges = [entries[key].labels for key in range(count + 1, count + 1 + people)]
    assert ranges == [(1, 4), (4, 7), (7, 9)]
    assert (tmp_path / "recordio" / "property").read_text() == "3,112,112"
    listed = (tmp_path / "recordio" / "train.lst").read_text().splitlines()
    assert listed[0] == "1\t0\t0000_ada/000.jpg"
    assert listed[-1] == "8\t2\t0002_eva/001.jpg"


def test_labels_have_no_gaps(tmp_path):
    pictures = make_set(tmp_path)
    without_bob = [one if one.label != 1 else replace(one, points=()) for one in pictures]
    notes = recordio.write(tmp_path, without_bob)
    assert any("1 people without aligned faces" in note for note in notes)
    entries = read(tmp_path)
    assert entries[0].labels == (6, 8)
    assert [entries[key].labels[0] for key in range(1, 6)] == [0, 0, 0, 1, 1]
    nobody = [one for one in pictures if one.label != 1]
    assert any("counted anew" in note for note in recordio.write(tmp_path, nobody))
    assert [read(tmp_path)[key].labels[0] for key in range(1, 6)] == [0, 0, 0, 1, 1]


def test_pictures_of_one_person_lie_together_whatever_their_order(tmp_path):
    pictures = make_set(tmp_path)
    recordio.write(tmp_path, pictures[::2] + pictures[1::2])
    entries = read(tmp_path)
    assert [entries[key].labels[0] for key in range(1, 9)] == [0, 0, 0, 1, 1, 1, 2, 2]


def test_nobody_else_trains_on_the_test_split(tmp_path):
    pictures = make_set(tmp_path)
    pictures[0] = replace(pictures[0], split="test")
    assert any("other splits" in note for note in recordio.write(tmp_path, pictures))
    assert read(tmp_path)[0].labels == (8, 11)
    with pytest.raises(ConfigError, match="split train"):
        recordio.write(tmp_path, pictures[:1])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"abc",
        NUMBER,
        NUMBER * 3,
        b"abcd" + NUMBER + b"ef",
        b"ab" + NUMBER + b"cd",
        b"abcd" + NUMBER + NUMBER + b"e" + NUMBER,
        b"\x0a\x23" + NUMBER + NUMBER + b"ab" + NUMBER,
    ],
)
def test_a_record_holds_what_looks_like_a_record(payload):
    data = recordio.record(payload)
    assert payload_at(data, 0) == (payload, len(data))
    assert len(data) % 4 == 0
    # Whoever looks for the start of a record finds only those of its pieces.
    starts, at = [], 0
    while at < len(data):
        starts.append(at)
        at += 8 + (int.from_bytes(data[at + 4 : at + 8], "little") % (1 << 29) + 3) // 4 * 4
    assert starts == [i for i in range(0, len(data), 4) if data[i : i + 4] == NUMBER]


def test_the_reader_reads_a_file_made_by_hand():
    """Bytes written down from the description: label 5, ids 9 and 0, three bytes of a picture."""
    hand = bytes.fromhex("0a23d7ce 1b000000 00000000 0000a040 0900000000000000 0000000000000000")
    payload, end = payload_at(hand + b"JPG\0", 0)
    assert end == len(hand) + 4
    assert entry_of(payload) == ((5.0,), (9, 0), b"JPG")
    assert recordio.record(payload) == hand + b"JPG\0"
