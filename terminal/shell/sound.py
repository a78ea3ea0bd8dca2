"""Short sounds for what a resident or a clerk should notice without looking, where the machine can play them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

_FOLDER = Path(__file__).with_name("sounds")
_PLAYERS = (("pw-play",), ("paplay",), ("aplay", "-q"), ("afplay",))
"""Commands that play a WAV file: PipeWire, PulseAudio, ALSA, macOS."""
_LONGEST_SECONDS = 5


def play(name: str) -> None:
    """Play a sound in the background; a machine that cannot stays silent, since the screen says everything too."""
    threading.Thread(target=_play, args=(_FOLDER / f"{name}.wav",), daemon=True).start()


def _play(path: Path) -> None:
    if sys.platform == "win32":
        import winsound  # of Windows alone

        winsound.PlaySound(str(path), winsound.SND_FILENAME | winsound.SND_NODEFAULT)
        return
    for command in _PLAYERS:
        if shutil.which(command[0]):
            subprocess.run([*command, str(path)], check=False, capture_output=True, timeout=_LONGEST_SECONDS)
            return
