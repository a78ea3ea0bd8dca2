"""A PostgreSQL server of the tests' own: started in a directory of its own, on a Unix socket, stopped at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """Return the directory of the newest PostgreSQL's programs, None where there is none."""
    if there := sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])):
        return there[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def server(settings: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the URL of an empty server's database, for SQLAlchemy; `settings` are lines of postgresql.conf.

    Durable as it comes: what is measured against it pays for its commits.
    """
    found = programs()
    if found is None:
        raise FileNotFoundError("PostgreSQL is not installed: apt-get install postgresql")
    # Not under pytest's directory: a socket's path may have a hundred characters, and the server's user must reach it.
    with tempfile.TemporaryDirectory(prefix="kazasu-pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")

        def run(program: str, *arguments: str) -> None:
            # The server refuses to run as root.
            user = "postgres" if os.geteuid() == 0 else None
            command = [str(found / program), *arguments]
            subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

        data = folder / "data"
        run("initdb", "-D", str(data), "-U", "kazasu", "-A", "trust", "-E", "UTF8", "--no-locale")
        lines = ("listen_addresses = ''", f"unix_socket_directories = '{folder}'", *settings)
        with (data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{line}\n" for line in lines)
        run("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-w", "start")
        try:
            yield f"postgresql+psycopg://kazasu@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
