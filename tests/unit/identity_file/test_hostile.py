"""Files made to harm: large, endless, changed while they are read."""

import json
import os
import resource
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from facea_core.errors import AssetError, IdentityFormatError
from facea_core.identity import (
    identities_of,
    load_identity,
    may_be_identity,
    peek_identity,
    save_identity,
)
from facea_core.types import Identity

from .metadata import assert_equal, metadata_of


def test_every_bit_of_the_data_counts(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    data = path.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    for number in range(begin, len(data), 37):
        changed = bytearray(data)
        changed[number] ^= 1 << number % 8
        path.write_bytes(changed)
        with pytest.raises(IdentityFormatError):
            load_identity(path)


def test_what_other_tools_say_in_a_file_does_not_matter(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    tensors, metadata = load_file(path), metadata_of(path)
    save_file(tensors, path, {**metadata, "modelspec.title": "Ada at the sea", "note": "x"})
    assert_equal(load_identity(path), identity)


def test_a_file_of_half_numbers_without_a_checksum_is_read(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    halves = {key: value.half() for key, value in load_file(path).items()}
    metadata = metadata_of(path)
    metadata.pop("facea.sha256")
    save_file(halves, path, metadata)
    rows = load_identity(path).words[0].vectors["clip_l"]
    assert torch.equal(rows, identity.words[0].vectors["clip_l"].half().float())


def test_a_header_of_megabytes_is_refused_unread(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    metadata = {**metadata_of(path), "zz": "a" * (1 << 20)}
    save_file(load_file(path), path, metadata)
    with pytest.raises(IdentityFormatError, match="header"):
        load_identity(path)
    assert peek_identity(path) is None


def test_a_hole_of_gigabytes_is_refused_unread(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    size = len(data) - 8 - length
    header["zz"] = {"dtype": "F32", "shape": [1 << 30], "data_offsets": [size, size + (1 << 32)]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
    with path.open("r+b") as file:
        file.truncate(8 + len(text) + size + (1 << 32))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(IdentityFormatError, match="zz"):
        load_identity(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 16


@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "folder", "name of 300", "NUL"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, kind: str):
    path = tmp_path / "ada.safetensors"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind in ("device", "loop"):
        path.symlink_to("/dev/zero" if kind == "device" else path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = tmp_path / ("x" * 300 if kind == "name of 300" else "a\0b")
    signal.alarm(20)
    try:
        with pytest.raises(AssetError):
            load_identity(path)
        assert peek_identity(path) is None
        assert not may_be_identity(path)
        assert list(identities_of(tmp_path, "ada")) == []
    finally:
        signal.alarm(0)


def test_a_file_written_over_while_it_is_read_ends_nothing(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    whole = path.read_bytes()
    reader, writer = os.getpid(), os.fork()
    if writer == 0:
        while os.getppid() == reader:
            for cut in (0, len(whole) // 2, len(whole)):
                path.write_bytes(whole[:cut])
        os._exit(0)
    try:
        for _ in range(300):
            try:
                assert_equal(load_identity(path), identity)
            except IdentityFormatError:
                continue
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)


def test_only_what_begins_like_an_identity_is_looked_at(identity: Identity, tmp_path: Path):
    path = tmp_path / "ada.safetensors"
    save_identity(identity, path)
    assert may_be_identity(path)
    save_file(load_file(path), path, metadata_of(path))  # metadata in another order
    assert may_be_identity(path)
    for name, data in (("empty", b""), ("short", b"{"), ("style", b"\0" * 100_000)):
        (tmp_path / name).write_bytes(data)
        assert not may_be_identity(tmp_path / name)
    assert not may_be_identity(tmp_path / "none")
