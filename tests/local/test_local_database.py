"""The local database as it is started: what its storage engine was told."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from deploy.local.database import LOCKED, database, program, uri
from deploy.local.parts import free_port
from deploy.local.wide_pages import PAGE

TABLES = """
import sys
from wiredtiger import wiredtiger_open
session = wiredtiger_open(sys.argv[1], "log=(enabled=true)").open_session()
metadata = session.open_cursor("metadata:")
for key, value in metadata:
    print(key, value)
"""
KEPT_SMALL = ("indexes", "collections", "drop_tombstones", "oplog_meta", "users", "roles", "profile_settings")
"""Tables that grow with no document."""
APPENDED = ("oplog", "preimages")
"""A page that only grows at its end is split without being thrown out."""


@pytest.mark.servers
async def test_every_table_that_grows_with_documents_has_wide_pages(tmp_path: Path) -> None:
    """Also those that this version of the server makes only when they are needed."""
    port = free_port()
    part = database(tmp_path / "store", port, tmp_path / "log", LOCKED)
    part.start()
    try:
        await part.wait_ready()
        with MongoClient[dict[str, Any]](uri(port)) as client:
            for name in "abcdefgh":
                client["there"][name].create_index("x", unique=True)
                client["there"][name].insert_one({"x": 1})
    finally:
        await part.stop()
    python = program().with_name("python")
    shown = subprocess.run([python, "-c", TABLES, tmp_path / "store"], check=True, capture_output=True, text=True).stdout
    made = dict(line.split(" ", 1) for line in shown.splitlines() if line.startswith("file:secantus_"))
    narrow = {name.removeprefix("file:secantus_").removesuffix(".wt") for name, how in made.items() if PAGE not in how}
    assert len(made) > len(narrow)
    assert narrow <= {*KEPT_SMALL, *APPENDED}
