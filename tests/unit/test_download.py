"""Downloads from a real server on this machine: whole, cut, resumed, wrong, cancelled."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from facea_core.detection.grounding.download import download
from facea_core.detection.grounding.releases import RELEASES, Release
from facea_core.errors import AssetError, ConfigError

CONTENT = bytes(range(256)) * 12_000


class Server(ThreadingHTTPServer):
    """Serves CONTENT; `cut` ends the connection early, `ranges` says whether it knows them."""

    cut: int | None = None
    ranges = True
    content = CONTENT

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        if self.path != "/weights.pth":
            self.send_error(404)
            return
        start = (
            int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        )
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.server.cut is None else body[: self.server.cut])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server():
    with Server() as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield served
        served.shutdown()


@pytest.fixture
def release(server) -> Release:
    url = f"http://127.0.0.1:{server.server_port}/weights.pth"
    return Release("weights.pth", url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_once(server, release, tmp_path):
    seen = []
    path = download("x", tmp_path / "new" / "folder", lambda *now: seen.append(now), release)
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["weights.pth"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert download("x", path.parent, release=release) == path
    assert server.asked == [None]


def test_a_broken_connection_goes_on_where_it_ended(server, release, tmp_path):
    server.cut = 1_500_000
    with pytest.raises(AssetError, match="try again"):
        download("x", tmp_path, release=release)
    assert names(tmp_path) == ["weights.pth.part"]
    have = (tmp_path / "weights.pth.part").stat().st_size
    assert 0 < have <= 1_500_000
    server.cut = None
    assert download("x", tmp_path, release=release).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={have}-"]


def test_a_cancel_keeps_what_is_there(server, release, tmp_path):
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download("x", tmp_path, stop, release)
    have = (tmp_path / "weights.pth.part").stat().st_size
    assert have > 0
    assert download("x", tmp_path, release=release).read_bytes() == CONTENT
    assert server.asked[-1] == f"bytes={have}-"


def test_a_server_without_ranges_begins_again(server, release, tmp_path):
    (tmp_path / "weights.pth.part").write_bytes(b"x" * 1000)
    server.ranges = False
    assert download("x", tmp_path, release=release).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"\x00", CONTENT + b"more"])
def test_another_file_is_thrown_away(server, release, tmp_path, content):
    server.content = content
    with pytest.raises(AssetError, match=r"not the published weights\.pth.*thrown away"):
        download("x", tmp_path, release=release)
    assert names(tmp_path) == []


def test_a_damaged_part_is_thrown_away(server, release, tmp_path):
    (tmp_path / "weights.pth.part").write_bytes(b"x" * 1000)
    with pytest.raises(AssetError, match="thrown away"):
        download("x", tmp_path, release=release)
    assert names(tmp_path) == []
    assert download("x", tmp_path, release=release).read_bytes() == CONTENT


def test_a_server_that_does_not_have_it_or_is_not_there(server, release, tmp_path):
    missing = Release(release.file, release.url + "x", release.size, release.sha256)
    with pytest.raises(AssetError, match=r"cannot fetch .*weights\.pthx \(Not Found\)"):
        download("x", tmp_path, release=missing)
    server.server_close()
    with pytest.raises(AssetError, match="put the file into .* yourself"):
        download("x", tmp_path, release=Release("a.pth", "http://127.0.0.1:9/a.pth", 3, "0"))
    assert names(tmp_path) == []


def test_unknown_names_and_unwritable_folders(tmp_path):
    with pytest.raises(ConfigError, match="'swinx'; choose one of swint, swinb"):
        download("swinx", tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(AssetError, match="cannot write"):
        download("swint", tmp_path / "file" / "folder")


def test_the_published_files_are_named_with_length_and_hash():
    for release in RELEASES.values():
        assert release.url.startswith("https://")
        assert release.url.endswith(release.file)
        assert len(release.sha256) == 64
        assert release.size > 600e6
