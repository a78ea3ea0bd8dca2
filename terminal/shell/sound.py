"""Short sounds for what a resident or a clerk should notice without looking, where the machine can play them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

from terminal.counter.states import Done, EnteringPin, Queued, Reading, Refused, State, Unknown

_FOLDER = Path(__file__).with_name("sounds")
_PLAYERS = (("pw-play",), ("paplay",), ("aplay", "-q"), ("afplay",))
"""Commands that play a WAV file: PipeWire, PulseAudio, ALSA, macOS."""
_LONGEST_SECONDS = 5


def sound_for(state: State) -> str | None:
    """Return the sound that goes with entering a state."""
    match state:
        case Reading():
            return "seen"
        case EnteringPin():
            return "your_turn"
        case Done() | Queued():
            return "done"
        case Refused() | Unknown():
            return "trouble"
        case _:
            return None


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
