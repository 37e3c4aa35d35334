"""Makes ComfyUI ready for the tests that run inside it; `make test` calls this first.

    python tests/host/install.py

Takes the checkout that COMFYUI_PATH names, or clones ComfyUI into `.host/comfyui` at the commit
that the tests were written for, and installs what it requires next to FaceA. Where ComfyUI cannot
be had it says so in one line and the tests inside ComfyUI are left out; with FACEA_REQUIRE_HOST=1
that is an error. Uses the standard library only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
SOURCE = "https://github.com/Comfy-Org/ComfyUI"
COMMIT = "a125cd84b054a57729b5eecab930ca9408719832"

# A tokenizer of models that FaceA has no use for, a third of the files' size.
SPARSE = ("/*", "!/comfy/text_encoders/llama_tokenizer/")

# What our tests need beyond what ComfyUI's requirements.txt says.
EXTRA = ("torchvision", "torchaudio", "playwright")


class NotReadyError(Exception):
    """ComfyUI cannot be run here; the message says why, in one line."""


def required() -> bool:
    """Whether a missing ComfyUI is an error and not a reason to skip."""
    return os.environ.get("FACEA_REQUIRE_HOST") == "1"


def location() -> Path:
    """Where ComfyUI is, or will be."""
    given = os.environ.get("COMFYUI_PATH")
    return Path(given).expanduser().resolve() if given else ROOT / ".host" / "comfyui"


def find() -> Path:
    """The checkout, if it is there and its requirements were installed; else NotReadyError."""
    comfyui = location()
    if not (comfyui / "main.py").is_file():
        raise NotReadyError(f"there is no ComfyUI at {comfyui}; run `make host`")
    if not _stamp(comfyui).is_file():
        raise NotReadyError(f"what {comfyui} requires is not installed; run `make host`")
    return comfyui


def main() -> int:
    try:
        comfyui = location()
        if "COMFYUI_PATH" not in os.environ:
            _clone(comfyui)
        elif not (comfyui / "main.py").is_file():
            raise NotReadyError(f"COMFYUI_PATH={comfyui} holds no main.py")
        _install(comfyui)
    except NotReadyError as reason:
        if required():
            print(f"ComfyUI is required here and cannot be had: {reason}", file=sys.stderr)
            return 1
        print(f"!!! NO COMFYUI: the tests that run inside it are LEFT OUT: {reason}", flush=True)
    return 0


def _clone(comfyui: Path) -> None:
    """A clone at COMMIT; it appears under its name only when it is whole."""
    if (comfyui / "main.py").is_file() and _head(comfyui) == COMMIT:
        return
    part = comfyui.with_name(comfyui.name + ".part")
    for leftover in (comfyui, part):
        if leftover.exists():
            shutil.rmtree(leftover)
    part.parent.mkdir(parents=True, exist_ok=True)
    print(f"cloning {SOURCE} into {comfyui.relative_to(ROOT)}", flush=True)
    _run("git", "clone", "--quiet", "--no-checkout", SOURCE, str(part))
    _run("git", "-C", str(part), "sparse-checkout", "set", "--no-cone", *SPARSE)
    _run("git", "-C", str(part), "checkout", "--quiet", "--detach", COMMIT)
    part.rename(comfyui)


def _head(comfyui: Path) -> str:
    """The commit checked out; empty if that is no repository of its own."""
    if not (comfyui / ".git").exists():
        return ""
    done = subprocess.run(
        ["git", "-C", str(comfyui), "rev-parse", "HEAD"], capture_output=True, text=True
    )
    return done.stdout.strip()


def _install(comfyui: Path) -> None:
    """ComfyUI's requirements into the environment that runs this, once per set of them."""
    stamp = _stamp(comfyui)
    if stamp.is_file():
        return
    print(f"installing what {comfyui.name} requires", flush=True)
    requirements = str(comfyui / "requirements.txt")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(*pip, "-c", str(CONSTRAINTS), "-r", requirements, *EXTRA)
    stamp.touch()


def _stamp(comfyui: Path) -> Path:
    """Tells that these requirements are installed. In the environment, so that it dies with it."""
    wanted = [(comfyui / "requirements.txt").read_bytes(), CONSTRAINTS.read_bytes()]
    digest = hashlib.sha256(b"\0".join([*wanted, *(name.encode() for name in EXTRA)]))
    return Path(sys.prefix) / f".host-installed-{digest.hexdigest()[:12]}"


def _run(*command: str) -> None:
    # Without a terminal prompt git fails where it would wait for somebody's password.
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        raise NotReadyError(f"{command[0]} does not run: {error}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["no word why"]
        verb = " ".join(command[:2])
        raise NotReadyError(f"{verb} failed ({done.returncode}): {said[-1].strip()}")


if __name__ == "__main__":
    sys.exit(main())
