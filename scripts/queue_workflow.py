"""Runs one workflow on a ComfyUI without a browser, and fetches what it made.

    python scripts/queue_workflow.py workflows/api/1-first-run.json --out results
    python scripts/queue_workflow.py workflows/api/1-first-run.json --set 1.person=7 --set 4.seed=2
    python scripts/queue_workflow.py workflows/api/2-train-and-paint-yourself.json \\
        --upload 1.folder=ada --upload LoadImage.image=party.jpg
    python scripts/queue_workflow.py my-graph.json --upload LoadImage.image=ada-1.jpg

Takes graphs in API form (workflows/api, or File > Export (API) in ComfyUI). A node is named by its
number, or by its class where the graph has just one of it: `FaceAEmbeddingTrainer.steps=50`.
Python's own library is enough; with `pip install websocket-client` it also says how far each node
is. Ctrl-C stops the run on the server too. Exit status: 0 done, 1 failed, 2 wrong usage, 130
stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

try:
    import websocket
except ImportError:
    websocket = None

Graph = dict[str, dict[str, Any]]


class FailedError(Exception):
    """What a person should read; nothing else is shown."""


class ComfyUI:
    """The few requests that this needs."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.client = uuid.uuid4().hex

    def get(self, path: str, **query: str) -> bytes:
        return self._ask(Request(f"{self.url}{path}?{urlencode(query)}"))

    def post(self, path: str, body: bytes, kind: str = "application/json") -> Any:
        answer = self._ask(Request(f"{self.url}{path}", body, {"Content-Type": kind}))
        return json.loads(answer or b"null")

    def queue(self, graph: Graph) -> str:
        """Queues a graph; returns the id of the run."""
        body = json.dumps({"prompt": graph, "client_id": self.client}).encode()
        said = self.post("/prompt", body)
        if errors := said.get("node_errors"):
            raise FailedError(_complaints(errors))
        return said["prompt_id"]

    def upload(self, path: Path) -> str:
        """Puts a picture, or a folder of them, among the inputs of ComfyUI; returns its name."""
        if not path.is_dir():
            return self._upload(path, "")
        name = path.resolve().name
        for file in sorted(path.iterdir()):
            if file.is_file() and not file.name.startswith("."):
                self._upload(file, name)
        return name

    def _upload(self, file: Path, folder: str) -> str:
        edge = uuid.uuid4().hex
        name = file.name.replace('"', "_")
        field = f"--{edge}\r\nContent-Disposition: form-data; name="
        head = f'{field}"subfolder"\r\n\r\n{folder}\r\n{field}"image"; filename="{name}"\r\n\r\n'
        body = head.encode() + file.read_bytes() + f"\r\n--{edge}--\r\n".encode()
        return self.post("/upload/image", body, f"multipart/form-data; boundary={edge}")["name"]

    def history(self, run: str) -> dict[str, Any] | None:
        """The finished run, or None while it waits or works."""
        return json.loads(self.get(f"/history/{run}")).get(run)

    def _ask(self, request: Request) -> bytes:
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.read()
        except HTTPError as error:
            raise FailedError(_refusal(error)) from None
        except OSError as error:
            raise self.absent(error) from None

    def absent(self, error: Exception) -> FailedError:
        """Nobody answers."""
        reason = getattr(error, "reason", error)
        return FailedError(f"no ComfyUI answers at {self.url} ({reason}); --url says where it is")


def _refusal(error: HTTPError) -> str:
    """Why ComfyUI did not take the graph, node by node."""
    text = error.read().decode(errors="replace")
    try:
        said = json.loads(text)
        return _complaints(said["node_errors"]) or said["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return f"ComfyUI answers {error.code}: {text[:500]}"


def _complaints(errors: dict[str, Any]) -> str:
    return "\n".join(
        f"node {node} ({found['class_type']}): {error['message']}: {error['details']}"
        for node, found in errors.items()
        for error in found["errors"]
    )


class Messages:
    """What ComfyUI tells while it works; without websocket-client there is only silence."""

    def __init__(self, comfy: ComfyUI) -> None:
        self._socket = None
        if websocket is not None:
            address = f"{comfy.url.replace('http', 'ws', 1)}/ws?clientId={comfy.client}"
            try:
                self._socket = websocket.create_connection(address, timeout=2)
            except (OSError, websocket.WebSocketException) as error:
                raise comfy.absent(error) from None

    def next(self) -> dict[str, Any] | None:
        """The next message; None after one or two seconds of silence."""
        if self._socket is None:
            time.sleep(1)
            return None
        try:
            message = self._socket.recv()
        except websocket.WebSocketTimeoutException:
            return None
        except (OSError, websocket.WebSocketException) as error:
            raise FailedError(f"ComfyUI went away during the run ({error})") from None
        return json.loads(message) if isinstance(message, str) else {"type": "preview", "data": {}}


def follow(
    comfy: ComfyUI, messages: Messages, run: str, graph: Graph, say: Callable[[str], None]
) -> dict[str, Any]:
    """Waits for the end of a run, saying how far it is; returns its entry in the history."""
    began = time.monotonic()
    while True:
        message = messages.next()
        kind, data = (message["type"], message["data"]) if message else ("silence", {})
        if data.get("prompt_id", run) != run:
            continue
        node = data.get("node")
        if kind == "executing" and node in graph:
            began = time.monotonic()
            say(_title(graph[node]))
        elif kind == "progress" and node in graph:
            done, total = data["value"], data["max"]
            say(f"{_title(graph[node])}: {done}/{total}{_left(done, total, began)}")
        elif kind in ("silence", "executing") and (entry := comfy.history(run)) is not None:
            return entry


def _title(node: dict[str, Any]) -> str:
    return node.get("_meta", {}).get("title") or node["class_type"]


def _left(done: float, total: float, began: float) -> str:
    """How long the node still needs, if it goes on as it did."""
    if not 0 < done < total:
        return ""
    seconds = round((time.monotonic() - began) / done * (total - done))
    return f", {seconds // 60}:{seconds % 60:02} left"


def fetch(comfy: ComfyUI, entry: dict[str, Any], graph: Graph, out: Path) -> None:
    """Saves the pictures of a run and, as outputs.json, everything else that its nodes said."""
    out.mkdir(parents=True, exist_ok=True)
    said = {}
    for node, output in entry["outputs"].items():
        title = _title(graph[node])
        for image in output.pop("images", []):
            file = out / f"{node}-{Path(image['filename']).name}"
            file.write_bytes(comfy.get("/view", **image))
            print(f"{title}: {file}")
        for text in output.get("text", []):
            print(f"{title}: {text}")
        if output:
            said[node] = {"title": title, **output}
    (out / "outputs.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def _problem(entry: dict[str, Any]) -> str | None:
    """What went wrong in a finished run, in one line."""
    messages = dict(entry["status"]["messages"])
    if error := messages.get("execution_error"):
        where = f"node {error['node_id']} ({error['node_type']})"
        return f"{where}: {error['exception_message'].strip()}"
    return "somebody stopped the run" if "execution_interrupted" in messages else None


def assign(graph: Graph, assignment: str) -> tuple[dict[str, Any], str, str]:
    """Splits "4.steps=50" into the inputs of node 4, "steps" and "50"."""
    place, equals, value = assignment.partition("=")
    # The last one: in a loop ComfyUI's own ids have dots.
    name, dot, field = place.rpartition(".")
    if not equals or not dot:
        raise FailedError(f"{assignment!r}: write it as NODE.INPUT=VALUE, like 4.steps=50")
    found = [n for key, n in graph.items() if name in (key, n["class_type"])]
    if len(found) != 1:
        known = ", ".join(f"{key} ({node['class_type']})" for key, node in graph.items())
        raise FailedError(f"{name!r} names {len(found) or 'no'} nodes; there are {known}")
    inputs = found[0]["inputs"]
    if field not in inputs:
        raise FailedError(f"node {name} has no input {field!r}; it has {', '.join(inputs)}")
    return inputs, field, value


def _value(text: str) -> Any:
    """A number, true or false as JSON has them; anything else is text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (int, float, bool)) else text


def _speaker() -> Callable[[str], None]:
    """Says each thing once: over the last one on a terminal, every ten seconds elsewhere."""
    last = {"title": "", "at": 0.0}

    def say(text: str) -> None:
        title = text.partition(":")[0]
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{text}")
        elif title != last["title"] or time.monotonic() - last["at"] > 10:
            last.update(title=title, at=time.monotonic())
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    return say


def run(args: argparse.Namespace) -> int:
    try:
        graph: Graph = json.loads(args.graph.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FailedError(f"{args.graph}: {error}") from None
    if "nodes" in graph:
        raise FailedError(f"{args.graph} is for the canvas; the API graphs are in workflows/api")
    comfy = ComfyUI(args.url)
    for assignment in args.set:
        inputs, field, value = assign(graph, assignment)
        inputs[field] = _value(value)
    for assignment in args.upload:
        inputs, field, value = assign(graph, assignment)
        try:
            inputs[field] = comfy.upload(Path(value))
        except OSError as error:
            raise FailedError(f"{value}: {error.strerror}") from None
    messages = Messages(comfy)
    queued = comfy.queue(graph)
    try:
        entry = follow(comfy, messages, queued, graph, _speaker())
    except KeyboardInterrupt:
        # Out of the queue if it waits there; stopped if it runs.
        comfy.post("/queue", json.dumps({"delete": [queued]}).encode())
        comfy.post("/interrupt", json.dumps({"prompt_id": queued}).encode())
        print("\nstopped", file=sys.stderr)
        return 130
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    fetch(comfy, entry, graph, args.out)
    if problem := _problem(entry):
        raise FailedError(problem)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("graph", type=Path, help="a graph in API form")
    parser.add_argument("--url", default="http://127.0.0.1:8188", help="where ComfyUI listens")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the results")
    parser.add_argument("--set", action="append", default=[], metavar="NODE.INPUT=VALUE",
                        help="change an input")  # fmt: skip
    parser.add_argument("--upload", action="append", default=[], metavar="NODE.INPUT=FILE",
                        help="send a picture, or a folder of them")  # fmt: skip
    try:
        return run(parser.parse_args())
    except FailedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
