"""A server that speaks MongoDB's wire protocol, from the package registry: a process of its own, in an environment of
its own. Real MongoDB is what the code is written for; `MONGO_URI` points a run at one.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.local import bootstrap, wide_pages
from deploy.local.parts import CACHE, Part

OTHER = os.environ.get("ROVIEC_DATABASE", "")
"""A server instead of the one from the lock: its sister in Rust, say, which is several times as fast."""
LOCKED = ""
"""The server from the lock, whatever `ROVIEC_DATABASE` names. It fails commands when a test asks for it; its sister cannot."""

_REPLICA_SET = "secantus"
"""What these servers call their replica set of one; it cannot be chosen."""


@cache
def version_of(server: str = OTHER) -> str:
    """Name and version of this server; empty for the one from the lock."""
    if server == LOCKED:
        return ""
    return subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def uri(port: int) -> str:
    """Where the server on this port is.

    The driver does not retry writes on it by itself, as it does on MongoDB: this server keeps what it needs for that for
    half an hour and walks through all of it, up to 10,000 answers under one lock, at each write. Under steady load it then
    did little else. Nothing leans on the driver's retry: whatever writes outside a transaction is asked again by its loop.
    """
    return f"mongodb://127.0.0.1:{port}/?replicaSet={_REPLICA_SET}&retryWrites=false"


def is_local(address: str) -> bool:
    """True for the address of a server of this kind, whoever started it; MongoDB itself answers to another name."""
    return f"replicaSet={_REPLICA_SET}" in address


def program() -> Path:
    """The launcher of the server from the lock, installed on first use, with hashes.

    Each lock and each Python has an environment of its own, which is never made anew under a server that runs from it.
    """
    packages = bootstrap.requirements(bootstrap.DATABASE)
    home = CACHE / f"database-{bootstrap.digest_of(packages)[:12]}"
    home.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(home.with_suffix(".lock")):
        python = bootstrap.install(home, packages)
    return python.with_name("secantusd-py")


def database(home: Path, port: int, log: Path, server: str = OTHER, *, fails_commands: bool = False) -> Part:
    """A database on loopback that keeps its files under `home`; what it acknowledges survives kill -9. `server` takes the same
    options as the one from the lock; only that one can fail commands when it is asked to.

    Its tables have wide pages (`deploy.local.wide_pages` says why); its sister makes its own.
    """
    home.mkdir(parents=True, exist_ok=True)
    command = [server]
    if server == LOCKED:
        locked = program()
        command = [str(locked.with_name("python")), wide_pages.__file__, str(home), str(locked)]
    command += [
        "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(home),
        "--cache-size", "1G", "--sync-on-commit", "--log-level", "WARNING",
    ]  # fmt: skip
    if fails_commands:
        command.append("--enable-test-commands")

    async def ready() -> bool:
        return await asyncio.to_thread(_commits, port)

    return Part(name="mongo", role="database", command=command, log=log, ready=ready, last_words=5.0)


def _commits(port: int) -> bool:
    """True when the server is a primary and a transaction commits on it."""
    try:
        with MongoClient[dict[str, Any]](uri(port), serverSelectionTimeoutMS=500, connectTimeoutMS=500) as client:
            if not client.admin.command("hello").get("isWritablePrimary"):
                return False
            probe = client["roviec_probe"]["probe"]
            if "probe" not in client["roviec_probe"].list_collection_names():
                client["roviec_probe"].create_collection("probe")
            with client.start_session() as session:
                session.with_transaction(lambda s: probe.replace_one({"_id": 1}, {"_id": 1}, upsert=True, session=s))
    except PyMongoError:
        return False
    return True
