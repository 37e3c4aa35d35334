"""Small ICC profiles, as files carry them."""

import struct

import numpy as np

D50 = (0.9642, 1.0, 0.8249)
D65 = (0.3127, 0.3290)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def rgb_profile(name, primaries, curve):
    """A profile of three primaries (x, y), D65 white, and one curve from [0, 1] to light."""
    tags = {b"wtpt": _xyz(D50)}
    for tag, colour in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _columns(primaries).T, strict=True):
        tags[tag] = _xyz(colour)
    return _profile(
        b"RGB ", name, tags | {tag: _curve(curve) for tag in (b"rTRC", b"gTRC", b"bTRC")}
    )


def grey_profile(name, curve):
    """A profile for grey, of a curve from [0, 1] to light."""
    return _profile(b"GRAY", name, {b"wtpt": _xyz(D50), b"kTRC": _curve(curve)})


def _columns(primaries):
    """The primaries in XYZ, adapted from D65 to D50, as columns."""
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    x, y = D65
    white = np.array([x / y, 1, (1 - x - y) / y])
    scaled = xyz * np.linalg.solve(xyz, white)
    cones = (_BRADFORD @ np.array(D50)) / (_BRADFORD @ white)
    return np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ scaled


def _xyz(values):
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def _curve(curve):
    points = (np.clip(curve(np.linspace(0, 1, 1024)), 0, 1) * 65535).round().astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(points)) + points.tobytes()


def _profile(space, name, tags):
    said = name.encode("ascii") + b"\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(said)) + said + bytes(78)
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none\0", **tags}
    at, table, body = 132 + 12 * len(tags), b"", b""
    for tag, data in tags.items():
        table += tag + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(
        ">I4sI4s4s4s", at + len(body), b"none", 0x02400000, b"mntr", space, b"XYZ "
    )
    header += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += b"".join(struct.pack(">i", round(v * 65536)) for v in D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
