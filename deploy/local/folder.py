"""The folder of a local run: whose it is, who uses it, what is kept in it.

Nothing is wiped that this program did not make: a folder is marked when it is made, and only a marked one is emptied.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from deploy.local.parts import Trouble

MARKER = "made-by-roviec"
LOCK = "lock"
_STAY = frozenset({MARKER, LOCK})


class Folder:
    """The data of one local run, held by one run at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / LOCK, timeout=0)

    def open(self) -> None:
        """Make the folder when it is not there, and hold it. Raises `Trouble` when it cannot be had."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not (self.path / MARKER).exists():
                if {entry.name for entry in self.path.iterdir()} - _STAY:
                    raise Trouble(f"{self.path} holds something else; name an empty or a new folder with LOCAL_DIR=")
                (self.path / MARKER).write_text("Data of `make run`. `make run FRESH=1` empties this folder.\n")
            self.path.chmod(0o700)
            self._lock.acquire()
        except Timeout:
            raise Trouble(f"another `make run` uses {self.path}; end it first, or choose LOCAL_DIR=") from None
        except OSError as error:
            raise Trouble(f"cannot write to {self.path}: {error.strerror}; choose another folder with LOCAL_DIR=") from None

    def wipe(self) -> None:
        """Empty the folder. Raises `Trouble` for one that this program did not make."""
        if not (self.path / MARKER).is_file():
            raise Trouble(f"{self.path} was not made by `make run`; it is left alone")
        for entry in self.path.iterdir():
            if entry.name in _STAY:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def close(self) -> None:
        self._lock.release()

    # --- small files, each written whole and for the owner alone ---

    def read(self, name: str) -> Any:
        """A kept JSON value, or None when there is none. Raises `Trouble` for a file that is not JSON."""
        try:
            return json.loads((self.path / name).read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            raise Trouble(f"{self.path / name} is damaged; `make run FRESH=1` starts anew") from None

    def write(self, name: str, value: Any) -> None:
        """Keep a JSON value."""
        self.write_text(name, json.dumps(value, ensure_ascii=False, indent=2) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Keep a text: a reader sees the old or the new one, never half of it."""
        temporary = self.path / f"{name}.new"
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path / name)

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)
