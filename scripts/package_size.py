"""How large the package for the registry is, and what takes the room.

    python scripts/package_size.py node.zip

Ends with 1 if it holds what no user needs, or is larger than LARGEST.
"""

from __future__ import annotations

import sys
from collections import Counter
from zipfile import ZipFile

LARGEST = 25_000_000
"""Bytes of the archive: facea-tiny is most of it."""

NOT_FOR_USERS = ("tests/", "benchmarks/", "pretraining/", ".ci/", ".github/", "docs/registry-")


def main() -> int:
    with ZipFile(sys.argv[1]) as archive:
        files = [one for one in archive.infolist() if not one.is_dir()]
    packed, unpacked = (
        sum(sizes) for sizes in zip(*((f.compress_size, f.file_size) for f in files), strict=True)
    )
    print(f"{len(files)} files, {packed / 1e6:.1f} MB packed, {unpacked / 1e6:.1f} MB on the disk")
    parts: Counter[str] = Counter()
    for file in files:
        parts["/".join(file.filename.split("/")[:2])] += file.compress_size
    for part, size in parts.most_common(8):
        print(f"{size / 1e6:8.2f} MB  {part}")
    spare = [file.filename for file in files if file.filename.startswith(NOT_FOR_USERS)]
    for name in spare:
        print(f"not for users: {name}")
    return int(bool(spare) or packed > LARGEST)


if __name__ == "__main__":
    sys.exit(main())
