"""What a finger, a mouse or a key may press: the keys at the bottom, the button to go on, the lines to choose from."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from terminal.counter.keys import Intention, Key


class Touchable(Widget):
    """Something that means an intention; three rows by twelve columns at least, as the style sheet says."""

    class Pressed(Message):
        """It was pressed."""

        def __init__(self, intention: Intention) -> None:
            super().__init__()
            self.intention = intention

    def __init__(self, intention: Intention, classes: str = "") -> None:
        super().__init__(classes=classes)
        self._intention = intention

    def on_click(self) -> None:
        """Pass on what was meant."""
        self.post_message(self.Pressed(self._intention))


class KeyCap(Touchable):
    """A key with what it does."""

    def __init__(self, cap: str, label: str, intention: Intention, classes: str = "") -> None:
        super().__init__(intention, classes)
        self._cap = cap
        self._label = label

    def render(self) -> Content:
        """Draw the key's name, then its meaning."""
        return Content.assemble((self._cap, "bold"), " ", self._label)


class ChoiceLine(Touchable):
    """One line to choose from: its number, its name, and what it comes to at the right."""

    def __init__(self, number: int, name: str, value: str, intention: Intention, *, chosen: bool) -> None:
        super().__init__(intention, "chosen" if chosen else "")
        self._lead = f"{'>' if chosen else ' '} {number}  {name}"
        self._value = value

    def render(self) -> Content:
        """Draw the line with its value right-aligned."""
        gap = self.content_size.width - cell_len(self._lead) - cell_len(self._value)
        return Content(f"{self._lead}{' ' * max(1, gap)}{self._value}")


class KeyLine(Horizontal):
    """The bottom: the keys that work now, to be read, pressed or touched."""

    keys: reactive[tuple[tuple[Key, str], ...]] = reactive((), recompose=True)

    def compose(self) -> ComposeResult:
        """Lay the keys out."""
        for key, label in self.keys:
            yield KeyCap(key.cap, label, key.means)
