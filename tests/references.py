"""The reference pages, made from the code; `./kazasu test --write-references` writes them, a test holds them fresh."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.settings import Settings
from terminal.cli import application
from terminal.cli.context import Exit

FOLDER = Path(__file__).parents[1] / "docs" / "reference"

_MADE = "<!-- Made by `./kazasu test --write-references`; change the code instead. -->"


def pages() -> dict[str, str]:
    """Return every page by its file's name."""
    return {"settings.md": _settings(), "commands.md": _commands()}


def write() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in pages().items():
        (FOLDER / name).write_text(page, encoding="utf-8")


# Settings -------------------------------------------------------------------------------------------------------


def _settings() -> str:
    lines = [
        "# Settings",
        "",
        _MADE,
        "",
        "`settings.toml` in the data directory, UTF-8. Every key is optional; a mistake is named by its line and key.",
    ]
    for name, table in Settings.model_fields.items():
        kind = table.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        lines += [
            "",
            f"## `[{name}]`",
            "",
            str(kind.__doc__),
            "",
            "| key | default | values | what it does |",
            "|---|---|---|---|",
        ]
        lines += [_key(key, field, kind) for key, field in kind.model_fields.items()]
    lines += ["", "An example:", "", "```toml", *_example(), "```", ""]
    return "\n".join(lines)


def _key(key: str, field: FieldInfo, table: type[BaseModel]) -> str:
    schema = table.model_json_schema()["properties"][key]
    cells = (
        f"`{key}`",
        f"`{_toml(field.default)}`" if field.default is not None else "none",
        _values(schema),
        field.description,
    )
    return f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _values(schema: dict[str, Any]) -> str:
    """Return what a key takes, from its JSON schema."""
    if "anyOf" in schema:
        return _values(schema["anyOf"][0])
    if "enum" in schema:
        return ", ".join(f"`{_toml(value)}`" for value in schema["enum"])
    if schema["type"] == "array":
        return f"list of: {_values(schema['items'])}"
    kind = {"boolean": "`true`, `false`", "integer": "whole number", "number": "number", "string": "text"}[
        schema["type"]
    ]
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None:
        kind += f", {low:g} to {high:g}"
    if "pattern" in schema:
        kind += f", `{schema['pattern']}`"
    return "URL" if schema.get("format") == "uri" else kind


def _example() -> Iterator[str]:
    for number, (name, table) in enumerate(Settings.model_fields.items()):
        kind = table.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        if number:
            yield ""
        yield f"[{name}]"
        for key, field in kind.model_fields.items():
            value = field.examples[0] if field.examples else field.default
            if value is not None:  # a key that has lost its meaning has no example
                yield f"{key} = {_toml(value)}"


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# Commands -------------------------------------------------------------------------------------------------------


def _commands() -> str:
    lines = [
        "# Commands",
        "",
        _MADE,
        "",
        "## Exit codes",
        "",
        "| code | meaning |",
        "|---:|---|",
        *(f"| {code.value} | {code.meaning} |" for code in Exit),
        "",
        "What a command is asked for stands on standard output, UTF-8 whatever the locale; progress and errors on",
        "standard error. With `--json` an error is an object too: `status`, `error` (a stable code), `message`.",
    ]
    for path, command in _walk("kazasu", typer.main.get_command(application())):
        lines += ["", f"## `{path}`", "", str(command.help or "").strip()]
        parameters = [each for each in command.params if each.name != "help"]
        if parameters:
            lines += ["", "| parameter | default | what it is |", "|---|---|---|", *map(_parameter, parameters)]
        if command.epilog:
            lines += ["", f"`{command.epilog.removeprefix('Example: ')}`"]
    return "\n".join([*lines, ""])


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, below in sorted(getattr(command, "commands", {}).items()):
        yield from _walk(f"{path} {name}", below)


def _parameter(parameter: Any) -> str:
    name = ", ".join(parameter.opts) if parameter.param_type_name == "option" else parameter.name.upper()
    needed = "needed" if parameter.required else ""
    shown = needed or ("" if parameter.default in {None, False, ""} else f"`{parameter.default}`")
    return f"| `{name}` | {shown} | {parameter.help or ''} |"
