"""What figures were taken on: the machine, versions, date and commit; no name or path of it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version

import psutil
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from bench.load import ROOT
from deploy.local import bootstrap, broker
from deploy.local.database import version_of

PACKAGES = ("aiokafka", "fastapi", "httptools", "motor", "pydantic", "pymongo", "starlette", "uvicorn", "uvloop")


def machine(mongo: str, *, own_kafka: bool, own_mongo: bool) -> dict[str, str]:
    """Facts in the order in which the page shows them."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": _commit(),
        "machine": f"{os.cpu_count()} processors, {memory:.0f} GiB",
        "load at the start": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "broker": f"Apache Kafka {broker.VERSION}" if own_kafka else "the one in KAFKA_BOOTSTRAP",
        "database": _database(mongo, own=own_mongo),
    }


def _commit() -> str:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return "unknown"

    def ask(*arguments: str) -> str:
        return subprocess.run([git, *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = ask("status", "--porcelain", "--", ".", ":!docs/performance.md")
    return ask("rev-parse", "--short=10", "HEAD") + (" with changes" if changed else "")


def _database(mongo: str, *, own: bool) -> str:
    try:
        with MongoClient[dict[str, object]](mongo, serverSelectionTimeoutMS=2000) as client:
            wire = client.admin.command("buildInfo")["version"]
    except PyMongoError:
        return "unknown"
    if not own:
        return f"the one in MONGO_URI, which says that it is MongoDB {wire}"
    if named := version_of():
        return f"{named}, as MongoDB {wire}"
    pinned = re.search(r"^secantusdb==(\S+)", bootstrap.LOCK.read_text(), re.MULTILINE)
    return f"secantusdb {pinned[1] if pinned else ''}, as MongoDB {wire}"
