"""The command `kazasu`: with nothing else the terminal, otherwise the command that is named."""

from __future__ import annotations

import sys

from terminal.cli import main

if __name__ == "__main__":
    sys.exit(main())
