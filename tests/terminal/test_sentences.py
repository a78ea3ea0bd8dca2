"""Every code that anybody may be told has its own sentences, and none of a final refusal says "try again"."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import config
import config.texts
import ledger
import offline_queue
import reader
import terminal
from config.errors import KnownError
from config.texts import LANGUAGES, Lang
from ledger.api.problems import KINDS
from ledger.wire.kinds import KINDS as OPERATIONS
from ledger.wire.reasons import Reason
from terminal.counter.outcome import MAY_GO_BETTER

AGAIN = {"en": ("try again", "do it again", "again later"), "ja": ("もう一度お試し", "再試行", "もう一度操作")}
"""What nobody says where the same once more ends the same."""

PACKAGES = (config, ledger, offline_queue, reader, terminal)

SAYING = {"Fault", "IdentityRefusal", "ProblemError", "RegistryError", "CommandFailed", "TrustError"}
"""What is made with a code as its first argument."""

IDENTITY = {
    "card_unregistered",
    "card_expired",
    "card_revoked",
    "card_suspended",
    "resident_unreadable",
    "consent_late",
}
"""What a card or a registration is refused for, beside what `IdentityRefusal` is raised with."""


def _modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__") and ".migrations." not in found.name:
                yield importlib.import_module(found.name)


def _literals() -> set[str]:
    """Return every code that stands in the code where something is said."""
    found = set()
    for package in PACKAGES:
        for path in Path(package.__path__[0]).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args and getattr(node.func, "id", "") in SAYING:
                    match node.args[0]:
                        case ast.Constant(value=str(code)):
                            found.add(code)
                        case _:  # the code is one of those that are raised
                            pass
    return found


def _errors(kind: type[KnownError] = KnownError) -> Iterator[str]:
    for each in kind.__subclasses__():
        if not each.__name__.startswith("_") and isinstance(getattr(each, "code", None), str):
            yield each.code
        yield from _errors(each)


@cache
def _codes() -> list[str]:
    list(_modules())
    abstract = {"unexpected", "journal_failed", "ledger_unopened"}
    return sorted({*Reason, *KINDS, *IDENTITY, *_literals(), *_errors()} - abstract)


FINAL = sorted(
    {*Reason, *IDENTITY, *(code for code, kind in KINDS.items() if not kind.retryable)} - {"request_replayed"}
)
"""Codes of a last word: the same once more ends the same."""


@cache
def _sentences(lang: Lang) -> dict[str, str]:
    """Return what each error says, its places left as they are."""
    found = {}
    for path in sorted((Path(config.texts.__file__).parent / lang).glob("*.ftl")):
        for block in re.findall(r"^error-.*(?:\n    .*)+", path.read_text(encoding="utf-8"), re.MULTILINE):
            found[block.partition(" ")[0].removeprefix("error-").replace("-", "_")] = block
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_has_its_own_sentences(lang: Lang) -> None:
    """A reason, a problem, an error or a fault that is added without a text fails here."""
    assert [code for code in _codes() if code not in _sentences(lang)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_last_word_never_says_try_again(lang: Lang) -> None:
    """Where the same once more ends the same, nobody is told to do it."""
    said = _sentences(lang)
    assert [code for code in FINAL if any(word in said[code].lower() for word in AGAIN[lang])] == []


def test_enter_is_no_second_try_where_it_cannot_help() -> None:
    """The counter offers "try again" after no verdict."""
    assert MAY_GO_BETTER.isdisjoint(Reason)


def test_japanese_sentences_are_japanese() -> None:
    """Each part says something in Japanese, whatever its places bring."""
    for code, text in _sentences("ja").items():
        for part in text.split("\n"):
            bare = re.sub(r"\{.*?\}", "", part.partition(" = ")[2])
            assert re.search(r"[ぁ-ん]", bare) or code in _BROUGHT, code


_BROUGHT = {
    "address_in_use",
    "export_damaged",
    "file_forbidden",
    "file_wrong_kind",
    "no_space",
    "settings_invalid",
    "system_error",
    "text_wrong",
    "tool_missing",
}
"""Codes of which a part is what somebody else said."""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_kind_of_operation_ends_in_a_sentence_of_its_own(lang: Lang) -> None:
    """A close that is asked for by its number is no void."""
    names = ("redeemed", "awarded", "back", "back_points", "reserved", "due", "balances", "linked")
    figures: dict[str, str | int] = {"operation": "252034-0001-01-000002", **dict.fromkeys(names, 0)}
    texts, kinds = config.texts.Texts(lang), [*OPERATIONS, "of a later form"]
    assert len({texts("op-accepted", kind=kind, **figures) for kind in kinds}) == len(kinds)
