"""PostgreSQL servers of the tests' own: started in a directory of their own, on Unix sockets, stopped at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.pcsc import until

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
    with node(settings) as made:
        yield made.url


@contextmanager
def node(settings: tuple[str, ...] = (), where: Path | None = None) -> Iterator[Node]:
    """Yield a server that may be stopped and started meanwhile; its folder is made in another one, if one is named."""
    with _folder(where) as folder:
        made = Node.initialise(folder, settings)
        try:
            yield made
        finally:
            if made.is_running:
                made.stop()


@dataclass(frozen=True, slots=True)
class Node:
    """One server, in a folder that also holds its socket and its log."""

    folder: Path

    @classmethod
    def initialise(cls, folder: Path, settings: tuple[str, ...]) -> Node:
        """Make an empty server and start it."""
        made = cls(folder)
        made.run("initdb", "-D", str(made.data), "-U", "kazasu", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        made.configure(*settings)
        made.start()
        return made

    @property
    def data(self) -> Path:
        """Where the server's data are."""
        return self.folder / "data"

    @property
    def url(self) -> str:
        """The URL of the server's first database."""
        return f"postgresql+psycopg://kazasu@/postgres?host={self.folder}"

    @property
    def is_running(self) -> bool:
        """Whether the server has not been stopped."""
        return (self.data / "postmaster.pid").exists()

    def configure(self, *settings: str) -> None:
        """Add lines to the configuration, which count from the next start on."""
        lines = ("listen_addresses = ''", f"unix_socket_directories = '{self.folder}'", *settings)
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def start(self) -> None:
        """Start the server and wait until it answers; after a crash it recovers first."""
        self._control("start", "-l", str(self.folder / "log"))

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: `immediate` is as a crash is."""
        self._control("stop", "-m", mode)

    def promote(self) -> None:
        """Let a standby take over."""
        self._control("promote")

    def run(self, program: str, *arguments: str, from_path: bool = False) -> None:
        """Run one of PostgreSQL's programs, or the system's, as the user of the server, which is never root."""
        found = programs()
        if found is None:
            raise FileNotFoundError("PostgreSQL is not installed: apt-get install postgresql")
        user = "postgres" if os.geteuid() == 0 else None
        command = [program if from_path else str(found / program), *arguments]
        subprocess.run(command, check=True, user=user, cwd=self.folder, stdout=subprocess.DEVNULL)

    def ask(self, query: str) -> str:
        """Return what the server answers to a query, as text."""
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                answer = connection.execute(text(query))
                return str(answer.scalar()) if answer.returns_rows else ""
        finally:
            engine.dispose()

    def _control(self, action: str, *options: str) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", *options, action)


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary and a standby that follows it by streaming replication."""

    primary: Node
    standby: Node

    @property
    def url(self) -> str:
        """A URL that leads to whichever of them takes writes, as a ledger is told it."""
        hosts = f"{self.primary.folder},{self.standby.folder}"
        return f"postgresql+psycopg://kazasu@/postgres?host={hosts}&target_session_attrs=read-write"

    def settle(self) -> None:
        """Wait until the standby has all that the primary has."""
        there = self.primary.ask("SELECT pg_current_wal_lsn()")
        until(lambda: self.standby.ask(f"SELECT pg_last_wal_replay_lsn() >= '{there}'") == "True")

    def cut(self) -> None:
        """Cut the replication, after the standby has caught up: from now on the primary is alone."""
        self.settle()
        self.standby.ask("ALTER SYSTEM SET primary_conninfo = ''")
        self.standby.ask("SELECT pg_reload_conf()")
        until(lambda: self.primary.ask("SELECT count(*) FROM pg_stat_replication") == "0")

    def fail_over(self) -> None:
        """Kill the primary, and let the standby take over; from then on it waits for no standby of its own."""
        self.primary.stop()
        self.standby.ask("ALTER SYSTEM SET synchronous_standby_names = ''")
        self.standby.ask("SELECT pg_reload_conf()")
        self.standby.promote()


@contextmanager
def pair(settings: tuple[str, ...] = ()) -> Iterator[Pair]:
    """Yield a primary and its standby; asynchronous, unless the settings name `standby` as synchronous."""
    with _folder() as first, _folder() as second:
        primary = Node.initialise(first, settings)
        running = [primary]
        try:
            standby = Node(second)
            source = f"host={first} user=kazasu application_name=standby"
            standby.run("pg_basebackup", "-D", str(standby.data), "-d", source, "-R", "-N", "-c", "fast")
            standby.configure()
            standby.start()
            running.append(standby)
            yield Pair(primary, standby)
        finally:
            for each in running:
                if each.is_running:
                    each.stop()


@contextmanager
def _folder(where: Path | None = None) -> Iterator[Path]:
    # Not under pytest's directory: a socket's path may have a hundred characters, and the server's user must reach it.
    with tempfile.TemporaryDirectory(prefix="kazasu-pg-", dir=where) as name:
        if os.geteuid() == 0:
            shutil.chown(name, "postgres", "postgres")
        yield Path(name)
