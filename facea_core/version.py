"""The version, for the package, its files and the registry."""

__version__ = "0.1.0"
