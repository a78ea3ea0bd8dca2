"""Problem details: every code has its sentences in both languages, and says whether to try again."""

from __future__ import annotations

import json

import pytest

from config.texts import LANGUAGES, Lang, Texts
from ledger.api.problems import KINDS, MEDIA_TYPE, ProblemError, documented, language
from ledger.wire.answers import Problem


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("code", KINDS)
def test_every_code_has_its_sentences(code: str, lang: Lang) -> None:
    """A problem says what, why and what to do, in the language that was asked for."""
    response = ProblemError(code).response(lang)
    problem = Problem.model_validate_json(bytes(response.body))
    text = Texts(lang).refusal(code)
    assert text != Texts(lang).refusal("no_such_code")
    assert (problem.title, problem.detail) == (text.what, f"{text.why} {text.todo}")
    assert problem.type == f"/problems/{code}"
    assert (problem.code, problem.status, problem.retryable) == (code, response.status_code, KINDS[code].retryable)
    assert response.media_type == MEDIA_TYPE
    assert ("Retry-After" in response.headers) is problem.retryable


def test_a_problem_carries_what_helps() -> None:
    """Further members stand beside the standard ones."""
    body = json.loads(bytes(ProblemError("journal_gap", {"head_seq": 7}).response(None).body))
    assert body["head_seq"] == 7


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "ja"),
        ("", "ja"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("ja,en;q=0.8", "ja"),
        ("ja;q=0.5, en;q=0.8", "en"),
        ("fr, en;q=0.5", "en"),
        ("fr", "ja"),
        ("en;q=rubbish, ja;q=0.1", "ja"),
    ],
)
def test_the_language_is_the_one_preferred(header: str | None, expected: str) -> None:
    """Japanese where nothing else is asked for."""
    assert language(header) == expected


def test_the_documentation_says_final_or_retryable() -> None:
    """Every documented status names its codes and whether the same request may succeed later."""
    responses = documented("journal_gap", "journal_fork")
    assert set(responses) == {408, 409, 413, 422, 500, 503}
    assert "`journal_fork` (final)" in responses[409]["description"]
    assert "`ledger_unavailable` (retryable)" in responses[503]["description"]
