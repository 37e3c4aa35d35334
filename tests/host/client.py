"""Talks to a running ComfyUI the way its front end does: HTTP requests and one websocket."""

from __future__ import annotations

import io
import json
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests
import websocket
from PIL import Image

from .graph import Graph

# The first four bytes of a binary message.
_PREVIEW, _TEXT, _PREVIEW_WITH_NODE = 1, 3, 4


class QueueError(Exception):
    """ComfyUI refused the graph; the message holds what it says about each node."""


class NodeError(Exception):
    """A node failed; the message is the one shown on the node."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data["exception_message"].strip())
        self.node: str = data["node_id"]
        self.node_type: str = data["node_type"]
        self.kind: str = data["exception_type"]


@dataclass(frozen=True)
class Event:
    """One message of the websocket, and when it came (`time.monotonic`).

    `kind` is ComfyUI's `type`, or "preview" (data: node, image as bytes) or "text" (node, text).
    """

    kind: str
    data: dict[str, Any]
    at: float


@dataclass
class Run:
    """What became of one prompt: its messages in order, and its entry in /history."""

    prompt_id: str
    events: list[Event] = field(default_factory=list)
    entry: dict[str, Any] = field(default_factory=dict)

    @property
    def error(self) -> NodeError | None:
        data = self._message("execution_error")
        return NodeError(data) if data else None

    @property
    def interrupted(self) -> bool:
        return self._message("execution_interrupted") is not None

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """By node id, what the output nodes show: the `ui` of each."""
        return self.entry["outputs"]

    @property
    def executed(self) -> set[str]:
        """The nodes that ran; the others' results were kept from an earlier prompt."""
        nodes = (event.data["node"] for event in self.of("executing"))
        return {node for node in nodes if node is not None}

    def of(self, kind: str, node: str | None = None) -> list[Event]:
        """The messages of one kind, of all nodes or of one."""
        return [e for e in self.events if e.kind == kind and node in (None, e.data.get("node"))]

    def _message(self, kind: str) -> dict[str, Any] | None:
        return dict(self.entry["status"]["messages"]).get(kind)


OnEvent = Callable[[Event], object]


class Client:
    """One browser tab, so to say; a context manager that closes the websocket."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._id = uuid4().hex
        self._http = requests.Session()
        address = f"{url.replace('http', 'ws', 1)}/ws?clientId={self._id}"
        self._socket = websocket.create_connection(address, timeout=10)
        # With this, previews say which node they are of.
        flags = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
        self._socket.send(json.dumps(flags))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._http.close()

    def get(self, path: str, **query: Any) -> requests.Response:
        answer = self._http.get(self._url + path, params=query, timeout=60)
        answer.raise_for_status()
        return answer

    def object_info(self) -> dict[str, Any]:
        """Every node's definition, by node id."""
        return self.get("/object_info").json()

    def history(self, prompt_id: str | None = None) -> dict[str, Any]:
        """Finished prompts by id: all, or the one named (nothing while it runs)."""
        return self.get(f"/history/{prompt_id}" if prompt_id else "/history").json()

    def view(self, image: Mapping[str, str]) -> Image.Image:
        """The picture that an output node names by filename, subfolder and type."""
        return Image.open(io.BytesIO(self.get("/view", **image).content))

    def upload(self, image: Image.Image, name: str) -> str:
        """Put a picture among the inputs as PNG; returns the name that LoadImage takes."""
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        files = {"image": (name, buffer.getvalue(), "image/png")}
        return self._post("/upload/image", files=files, data={"overwrite": "true"}).json()["name"]

    def interrupt(self) -> None:
        """Ask for the running prompt to be stopped."""
        self._post("/interrupt", json={})

    def free(self) -> None:
        """Let ComfyUI forget its models and every node's kept result."""
        self._post("/free", json={"unload_models": True, "free_memory": True})
        # It does so between two prompts, and the next one may come before it has looked.
        graph = Graph()
        empty = graph.add("EmptyImage", width=8, height=8, batch_size=1, color=0)
        graph.add("PreviewImage", images=empty)
        self.run(graph)

    def queue(self, graph: Mapping[str, Any]) -> str:
        """Put a graph in API form in the queue; returns the prompt's id."""
        body = {"prompt": graph, "client_id": self._id}
        answer = self._http.post(f"{self._url}/prompt", json=body, timeout=60)
        said = answer.json()
        if not answer.ok or said.get("node_errors"):
            raise QueueError(_refusal(said))
        return said["prompt_id"]

    def wait(self, prompt_id: str, on_event: OnEvent | None = None, timeout: float = 300) -> Run:
        """Follow a prompt to its end, good or bad. `on_event` is called with each message.

        `timeout` is in seconds without any message: a busy machine is slow, and not stuck.
        """
        run = Run(prompt_id)
        deadline = time.monotonic() + timeout
        while not run.entry:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{timeout:.0f} s of silence; the last message was {run.events[-1:]}"
                )
            event = self._next()
            if event is None:
                run.entry = self.history(prompt_id).get(prompt_id, {})
            elif event.data.get("prompt_id", prompt_id) == prompt_id:
                run.events.append(event)
                deadline = time.monotonic() + timeout
                if on_event is not None:
                    on_event(event)
                # ComfyUI's last word on a prompt is that it executes no node.
                if event.kind == "executing" and event.data["node"] is None:
                    run.entry = self.history(prompt_id)[prompt_id]
        return run

    def run(
        self, graph: Mapping[str, Any], on_event: OnEvent | None = None, timeout: float = 300
    ) -> Run:
        """Queue and wait. Raises QueueError or NodeError; an interrupted run is returned."""
        run = self.wait(self.queue(graph), on_event, timeout)
        if run.error is not None:
            raise run.error
        return run

    def _next(self) -> Event | None:
        """The next message; None after two seconds of silence."""
        self._socket.settimeout(2)
        try:
            message = self._socket.recv()
        except websocket.WebSocketTimeoutException:
            return None
        at = time.monotonic()
        if isinstance(message, str):
            content = json.loads(message)
            return Event(content["type"], content["data"], at)
        return _binary(message, at)

    def _post(self, path: str, **content: Any) -> requests.Response:
        answer = self._http.post(self._url + path, timeout=60, **content)
        answer.raise_for_status()
        return answer


def _binary(message: bytes, at: float) -> Event:
    kind, length = struct.unpack(">II", message[:8])
    if kind == _PREVIEW:  # of a client without the feature flag
        return Event("preview", {"image": message[8:]}, at)
    head, body = message[8 : 8 + length], message[8 + length :]
    if kind == _PREVIEW_WITH_NODE:
        data = json.loads(head)
        return Event("preview", {**data, "node": data["node_id"], "image": body}, at)
    if kind == _TEXT:
        return Event("text", {"node": head.decode(), "text": body.decode()}, at)
    raise ValueError(f"a binary message of kind {kind}, which is new to these tests")


def _refusal(said: Mapping[str, Any]) -> str:
    """One line per complaint: which node, which input, what is wrong."""
    lines = [said["error"]["message"]] if "error" in said else []
    for node, found in said.get("node_errors", {}).items():
        for error in found["errors"]:
            where = f"node {node} ({found['class_type']})"
            lines.append(f"{where}: {error['message']}: {error['details']}")
    return "\n".join(lines)
