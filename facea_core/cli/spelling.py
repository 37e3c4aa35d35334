"""Text as a stream can spell it: names of files hold any bytes, and some consoles few letters."""

from __future__ import annotations

from typing import TextIO


def spelt(text: str, stream: TextIO) -> str:
    r"""The text with an escape, such as \u5c0f, for each letter that `stream` cannot write."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
