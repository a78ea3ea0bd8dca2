"""The reference pages say what the code says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from config.settings import Settings
from tests import references


@pytest.mark.parametrize("name", ["settings.md", "commands.md"])
def test_a_page_is_fresh(name: str) -> None:
    """After a change of settings or commands: `./kazasu test --write-references`."""
    assert (references.FOLDER / name).read_text(encoding="utf-8") == references.pages()[name]


def test_the_example_of_the_settings_is_one(tmp_path: Path) -> None:
    """It can be copied, and has every key that still means something."""
    page = references.pages()["settings.md"]
    example = tomllib.loads(page.split("```toml\n")[1].split("```")[0])
    Settings.model_validate(example)
    assert {(table, key) for table, keys in example.items() for key in keys} == {
        (name, key)
        for name, table in Settings()
        for key, field in type(table).model_fields.items()
        if field.examples or field.default is not None
    }


def test_every_setting_says_what_it_does() -> None:
    """A key without a sentence is a riddle."""
    assert all(field.description for _, table in Settings() for field in type(table).model_fields.values())
