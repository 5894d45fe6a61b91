"""The version, read by the build and by ``convcalc --version``."""

__version__ = "0.1.0"
