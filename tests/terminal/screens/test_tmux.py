"""A newcomer's first sale in a real terminal: practice mode, nothing but keys, in both languages and sizes."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

PATIENCE = 30.0
"""Seconds after which something that should be on the screen is missed; a first start makes a whole ledger."""
READING, BETWEEN_KEYS = 1.0, 0.2
"""Seconds that somebody takes to read a screen, and from key to key; what comes faster decides nothing."""

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed; `./kazasu test` installs it"
)


class Terminal:
    """A terminal with the product in it, on a tmux server of its own."""

    def __init__(self, home: Path, size: tuple[int, int], *words: str) -> None:
        self._socket = f"kazasu-{uuid4().hex[:8]}"
        width, height = size
        environment = {
            **os.environ,
            "KAZASU_HOME": str(home),
            # A reader of this machine, or a card in it, is not part of the test.
            "PCSCLITE_CSOCK_NAME": str(home / "no-pcscd"),
        }
        command = shlex.join([sys.executable, "-m", "terminal", *words])
        self._tmux("-u", "new-session", "-d", "-x", str(width), "-y", str(height), command, environment=environment)

    def _tmux(self, *words: str, environment: dict[str, str] | None = None) -> str:
        command = ["tmux", "-L", self._socket, "-f", os.devnull, *words]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    def press(self, *keys: str) -> None:
        """Read the screen, then press keys, by tmux's names, as a hand does: one after the other."""
        time.sleep(READING)
        for key in keys:
            time.sleep(BETWEEN_KEYS)
            self.scan(key)

    def scan(self, *keys: str) -> None:
        """Press keys as fast as a scanner does."""
        self._tmux("send-keys", *keys)

    def screen(self) -> str:
        """Return what is on the screen."""
        return self._tmux("capture-pane", "-p")

    def wait_for(self, *texts: str) -> str:
        """Return the screen as soon as all texts are on it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            shown = self.screen()
            if all(text in shown for text in texts):
                return shown
        raise AssertionError(f"{texts} did not appear:\n{self.screen()}")

    def close(self) -> None:
        """End the terminal, and everything in it."""
        self._tmux("kill-server")


@contextmanager
def terminal(home: Path, size: tuple[int, int], *words: str) -> Iterator[Terminal]:
    """Yield a terminal in which the product was started."""
    opened = Terminal(home, size, *words)
    try:
        yield opened
    finally:
        opened.close()


def test_a_first_sale_in_japanese(tmp_path: Path) -> None:
    """Bill, tap, choice, done: a sale in seven keys without points, and its void."""
    with terminal(tmp_path, (80, 24)) as shop:
        shop.wait_for("会計金額を入力してください", "見本商店", "練習モード", "回線 可")
        shop.press("1", "2", "0", "0", "Enter")
        shop.wait_for("カードをかざしてください", "1,200 円", "ふたつの町")
        shop.press("1")
        shop.wait_for("ポイントを使いますか", "全て使う", "−970 P")
        shop.press("3")
        done = shop.wait_for("完了", "お支払額", "01-000001")
        assert all(len(row) <= 80 for row in done.splitlines())
        shop.press("Enter")
        shop.wait_for("会計金額を入力してください")
        shop.press("F4")
        shop.wait_for("取消・返品する取引を選んでください", "1,200 円")
        shop.press("Enter")
        shop.wait_for("この取引を取り消しますか")
        shop.press("Enter")
        shop.wait_for("取消が完了しました", "お返しする金額")


def test_a_scanner_beside_the_terminal_pays_for_nothing(tmp_path: Path) -> None:
    """A goods code with the scanner's own Enter is no bill, no choice and no PIN, in a real terminal."""
    code = "4901234567894"
    with terminal(tmp_path, (80, 24)) as shop:
        shop.wait_for("会計金額を入力してください", "回線 可")
        shop.scan(*code, "Enter")
        shop.wait_for("読み取ったコード", "会計金額を入力してください")
        shop.press("5", "0", "0", "0", "Enter")
        shop.wait_for("カードをかざしてください", "5,000 円", "ふたつの町")
        shop.press("1")
        shop.wait_for("ポイントを使いますか")
        shop.scan(*code, "Enter")
        shop.wait_for("読み取ったコード", "ポイントを使いますか")
        shop.press("4")
        shop.wait_for("暗証番号（4桁）を入力してください", "練習用の暗証番号は 1234")
        for _ in range(4):
            shop.scan(*code, "Enter")
            shop.wait_for("読み取ったコード")
        shop.press("1", "2", "3", "4", "Enter")
        shop.wait_for("完了", "01-000001")


def test_a_sale_with_the_pin_in_english(tmp_path: Path) -> None:
    """Above the tap ceiling the resident's PIN is asked for; a wrong one says how many tries are left."""
    with terminal(tmp_path, (120, 40), "--lang", "en") as shop:
        shop.wait_for("Enter the bill", "PRACTICE", "Online")
        shop.press("5", "0", "0", "0", "Enter")
        shop.wait_for("Hold your card over the reader", "Two towns")
        shop.press("1")
        shop.wait_for("Use points?", "Use all Toshima")
        shop.press("4")
        shop.wait_for("Enter your PIN (4 digits)", "The practice PIN is 1234")
        shop.press("9", "9", "9", "9", "Enter")
        shop.wait_for("Tries left: 2", "The practice PIN is 1234")
        shop.press("1", "2", "3", "4", "Enter")
        shop.wait_for("Done", "Amount due", "01-000001")
        shop.press("C-q")


def test_the_resident_follows_on_a_display_of_their_own(tmp_path: Path) -> None:
    """The display is opened first, finds the counter when it comes, and says so when it goes."""
    with terminal(tmp_path, (80, 24), "display") as display:
        display.wait_for("ただいま準備中です")
        with terminal(tmp_path, (80, 24)) as shop:
            display.wait_for("マイナンバーカードでポイントが使えます")
            shop.press("1", "2", "0", "0", "Enter")
            display.wait_for("カードをかざしてください")
            shop.wait_for("ふたつの町")
            shop.press("1")
            display.wait_for("ポイントを使いますか", "残高")
            shop.press("3")
            display.wait_for("完了しました。お支払額はこちらです")
            shop.press("F9", "Enter")
            display.wait_for("Your My Number card works for points here")
        display.wait_for("ただいま準備中です")


def test_the_owner_looks_at_the_day_and_closes_it(tmp_path: Path) -> None:
    """From the counter and back: the sale stands in the figures, and the close in the journal."""
    with terminal(tmp_path, (80, 24)) as shop:
        shop.wait_for("会計金額を入力してください", "回線 可", "F8")
        shop.press("1", "2", "0", "0", "Enter")
        shop.wait_for("カードをかざしてください")
        shop.press("1")
        shop.wait_for("ポイントを使いますか")
        shop.press("3")
        shop.wait_for("完了", "01-000001")
        shop.press("F8")
        shop.wait_for("最近の取引", "1,200 円", "000001", "手当てが必要なものはありません")
        shop.press("2")
        shop.wait_for("今日を締めますか", "中間計")
        shop.press("Enter")
        shop.wait_for("締めました（第 1 回）", "01-000002")
        shop.press("Enter")
        shop.wait_for("01-000001", "次のお客様")
        shop.press("F8")
        shop.wait_for("0 円", "締め")
