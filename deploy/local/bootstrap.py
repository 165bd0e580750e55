"""Make `.venv` from `requirements.lock`, with hashes. Standard library only: it runs before anything is installed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
MEMBERS = ("libs/common", "services/tasks", "services/training", "services/notifications", "services/audit", "gateway")

DATABASE_ONLY = ("secantusdb", "numpy", "shapely", "s2sphere", "future", "python-dateutil")
"""Packages of the lock that only the local database server needs: it lives in an environment of its own, because its
licence is the GPL and nothing of ours may import it.
"""
DATABASE_NEEDS = (*DATABASE_ONLY, "pymongo", "dnspython", "tzdata")


def blocks(lock: str) -> dict[str, list[str]]:
    """The lock cut by package name: each block is a requirement with its hashes (a package may have one a platform)."""
    found: dict[str, list[str]] = {}
    for line in lock.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            found.setdefault(line.split("==")[0], []).append(line)
        elif found and line.strip().startswith("--hash"):
            last = next(reversed(found.values()))
            last[-1] += "\n" + line
    return found


def requirements(*, database: bool) -> str:
    """The part of the lock for one of the two environments."""
    packages = blocks(LOCK.read_text())
    names = DATABASE_NEEDS if database else [name for name in packages if name not in DATABASE_ONLY]
    return "\n".join(block for name in names for block in packages[name]) + "\n"


def stop(message: str) -> None:
    print(f"roviec: {message}", file=sys.stderr)
    raise SystemExit(1)


def digest_of(text: str, then: list[list[str]] | None = None) -> str:
    """What an environment is made of: packages, this Python, and what is done after."""
    return hashlib.sha256((text + sys.version + repr(then)).encode()).hexdigest()


def install(where: Path, text: str, then: list[list[str]] | None = None) -> Path:
    """Make an environment that holds exactly this; nothing is done when it does already. Returns its Python."""
    python = where / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp = where / "installed"
    digest = digest_of(text, then)
    if stamp.exists() and stamp.read_text() == digest and python.exists():
        return python
    started = time.monotonic()
    print(f"roviec: installing {text.count('==')} packages into {where} ...", flush=True)
    venv.create(where, with_pip=True, clear=where.exists())
    listing = where / "requirements.txt"
    listing.write_text(text)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    commands = [[*pip, "install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(listing)]]
    commands += [[*pip, *arguments] for arguments in then or []]
    for command in commands:
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            stop("the packages could not be installed; what pip said stands above")
    stamp.write_text(digest)
    print(f"roviec: installed in {time.monotonic() - started:.0f} s", flush=True)
    return python


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is what says so to an older one
        stop(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Set PYTHON=/path/to/python3.11")
    editable = [argument for member in MEMBERS for argument in ("-e", member)]
    try:
        install(VENV, requirements(database=False), [["install", "--no-deps", "--no-build-isolation", *editable]])
    except OSError as error:
        stop(f"cannot write {error.filename or VENV}: {error.strerror}")
    except subprocess.CalledProcessError:  # Debian's Python comes without what venv needs
        stop(f"{sys.executable} cannot make environments; install its venv package (python3-venv), or set PYTHON=")
    except KeyboardInterrupt:
        stop("interrupted; the same command goes on")


if __name__ == "__main__":
    main()
