"""What a terminal reads before it starts: settings, texts, municipality codes, trust anchors, its data directory."""

__version__ = "0.1.0"
"""The version of all packages; `pyproject.toml` takes it from here."""
