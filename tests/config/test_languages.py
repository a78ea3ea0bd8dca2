"""A language more is a folder of texts more: no line of the program names it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.texts import LANGUAGES, Texts

ROOT = Path(__file__).parents[2]


@pytest.fixture
def with_one_more(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which the product speaks Esperanto too."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copytree(ROOT / "config/texts/en", tmp_path / "config/texts/eo")
    for path in (tmp_path / "config/texts/eo").glob("*.ftl"):
        text = path.read_text(encoding="utf-8")
        text = text.replace("language-name = English", "language-name = Esperanto")
        path.write_text(text.replace("[sale] Done", "[sale] Farite"), encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(tmp_path), "KAZASU_HOME": str(tmp_path / "home")}


def run(environment: dict[str, str], *words: str) -> str:
    """Return what a Python program or a command prints."""
    command = [sys.executable, *words]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=True, cwd="/")
    return done.stdout


def test_an_option_and_a_setting_take_it(with_one_more: dict[str, str], tmp_path: Path) -> None:
    """`--lang eo` and `language = "eo"` are as good as any."""
    sale = ("-m", "terminal", "op", "sale", "--bill", "500", "--card", "visitor")
    assert run(with_one_more, *sale, "--lang", "eo").startswith("Farite")
    (tmp_path / "home/settings.toml").write_text('[screen]\nlanguage = "eo"\n', encoding="utf-8")
    assert run(with_one_more, *sale).startswith("Farite")


def test_the_key_goes_through_all_of_them(with_one_more: dict[str, str]) -> None:
    """F9 bears the name of the next, and names that a rule has in Japanese and English are shown in English."""
    program = """
from config.texts import LANGUAGES, Texts
from ledger.wire.rules import AwardReason, Name
from terminal.shell.words import Words
reason = AwardReason(name=Name(ja="来店", en="Visit"), up_to=5)
for lang in LANGUAGES:
    words = Words(Texts(lang))
    print(lang, words("key-language"), words.reason(reason))
"""
    told = run(with_one_more, "-c", program).splitlines()
    foreign = [[lang, "Visit"] for lang in (*LANGUAGES[1:], "eo")]
    assert [line.split()[::2] for line in told] == [["ja", "来店"], *foreign]
    assert told[-1].split()[1] == Texts(LANGUAGES[0])("language-name")
    assert "Esperanto" in told[-2]


def test_one_that_has_no_texts_is_refused(with_one_more: dict[str, str]) -> None:
    """It says which there are."""
    command = [sys.executable, "-m", "terminal", "--lang", "fr", "queue", "status"]
    done = subprocess.run(command, env=with_one_more, capture_output=True, encoding="utf-8", check=False, cwd="/")
    assert done.returncode == 2
    assert "ja, en, eo" in done.stderr
