"""Errors a user can meet. Each message says what was wrong, the value seen, and what to do.

Every class also inherits the builtin it specialises, so callers that catch `ValueError` or
`OSError` keep working. A cancel is not here: the host's own exception passes through the core
untouched.
"""

QUOTED = 80
"""The most characters of any value that a message shows: hosts keep messages, and log them."""


def quoted(value: object) -> str:
    """`repr` of a value for a message, cut to `QUOTED` characters."""
    said = repr(value[: QUOTED + 1] if isinstance(value, str) else value)
    return said if len(said) <= QUOTED else f"{said[: QUOTED - 1]}…"


def shortened(text: object) -> str:
    """A name or a list of names for a message, cut to `QUOTED` characters."""
    said = str(text)
    return said if len(said) <= QUOTED else f"{said[: QUOTED - 1]}…"


class FaceAError(Exception):
    """Base of every error that the user, not the programmer, can fix."""


class ConfigError(FaceAError, ValueError):
    """A setting is unknown or out of range."""


class ImageError(FaceAError, ValueError):
    """An image cannot be read or used."""


class MaskError(FaceAError, ValueError):
    """A mask is empty or does not fit its image."""


class NoFaceError(FaceAError, ValueError):
    """No face, or not the one asked for, was found."""


class PartError(FaceAError, ValueError):
    """A part of the face that was asked for was not found."""


class DetectorError(FaceAError, ValueError):
    """The weights of a detector cannot be read, or do not work."""


class AuditError(FaceAError, ValueError):
    """Photos did not pass the audit, and the policy is to stop then."""


class IdentityFormatError(FaceAError, ValueError):
    """A file is not an identity, is damaged, or was written by a newer version."""


class BackboneError(FaceAError, ValueError):
    """A checkpoint cannot be read as a supported inpainting model."""


class BackboneMismatchError(FaceAError, ValueError):
    """An identity was trained for another model family."""


class TrainingError(FaceAError, RuntimeError):
    """Training cannot start, go on, or be resumed."""


class StateError(TrainingError):
    """The saved state of a run is damaged, of an older version, or another run's."""


class EngineError(FaceAError, RuntimeError):
    """The processes that work on units cannot be started, or do not stay."""


class BenchError(FaceAError, RuntimeError):
    """Something that a bench checks did not hold."""


class MissingDependencyError(FaceAError, ImportError):
    """An optional package is needed and not installed."""


class AssetError(FaceAError, OSError):
    """A file of the pack, or an output file, cannot be read or written."""
