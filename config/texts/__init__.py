"""Every sentence that a person reads, by key, in each language that has a folder of Fluent files beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fluent.runtime import FluentBundle, FluentResource

_FOLDER = Path(__file__).parent

Lang = str
"""A language of ours, named as its folder (BCP 47)."""

DEFAULT: Lang = "ja"

LANGUAGES: tuple[Lang, ...] = (DEFAULT, *sorted({path.parent.name for path in _FOLDER.glob("*/*.ftl")} - {DEFAULT}))
"""What the product speaks, the default first: a folder more is a language more."""


def following(lang: Lang) -> Lang:
    """Return the language after one, the first after the last."""
    return LANGUAGES[(LANGUAGES.index(lang) + 1) % len(LANGUAGES)]


class TextError(LookupError):
    """A text is missing, or was not given what it needs: a defect of ours, found by the tests."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What happened, why in plain words, and what to do next: one line each."""

    what: str
    why: str
    todo: str


class Texts:
    """The texts of one language."""

    def __init__(self, lang: Lang) -> None:
        self.lang = lang
        self._bundle = _bundle(lang)

    def __call__(self, key: str, /, **args: str | int) -> str:
        """Return the text of `key`; raise TextError where there is none."""
        return self._format(key, None, args)

    def has(self, key: str) -> bool:
        """Return whether there is a text for `key`."""
        return self._bundle.has_message(key)

    def refusal(self, code: str, /, **args: str | int) -> Refusal:
        """Return the three sentences for an error code; a code of a newer ledger says that it is not known."""
        key = f"error-{code.replace('_', '-')}"
        if not self.has(key):
            key = "error-not-known"
        return Refusal(
            what=self._format(key, None, args),
            why=self._format(key, "why", args),
            todo=self._format(key, "todo", args),
        )

    def _format(self, key: str, attribute: str | None, args: dict[str, str | int]) -> str:
        if not self._bundle.has_message(key):
            raise TextError(f"no text {key!r} in {self.lang}")
        message = self._bundle.get_message(key)
        pattern = message.value if attribute is None else message.attributes.get(attribute)
        if pattern is None:
            raise TextError(f"the text {key!r} has no {attribute or 'value'} in {self.lang}")
        text, errors = self._bundle.format_pattern(pattern, args)
        if errors:
            raise TextError(f"the text {key!r} in {self.lang}: {errors[0]}")
        return str(text)


@cache
def _bundle(lang: Lang) -> FluentBundle:
    # Isolating marks are for mixed directions, which neither language has, and would upset the width of a cell.
    bundle = FluentBundle([lang], use_isolating=False)
    for path in sorted((_FOLDER / lang).glob("*.ftl")):
        bundle.add_resource(FluentResource(path.read_text(encoding="utf-8")))
    return bundle
