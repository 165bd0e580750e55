"""`wide_pages.py STORE SERVER OPTION...`: makes the store of the local database when there is none, with tables whose pages
may grow, and becomes the server. Run by that database's own Python.

A page in memory that has grown past 5 MiB is to be thrown out by whoever touches it next. That cannot be done while an idle
connection's cursor rests on it, and then each write to the page tries ten times, 0.5 ms apart: 5,000 index entries took 33 s
instead of 0.13 s, and a register of 337 units half a minute now and then. The server makes its tables without saying how large
a page may be, and leaves those alone that it finds.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PAGE = "memory_page_max=256MB"
ROOM = {"WIREDTIGER_CONFIG": "eviction_dirty_trigger=80,eviction_dirty_target=20"}
"""For the server: a page holds at most a thousandth of the cache times this trigger, whatever its table asks for."""
SHARDS = 16
TABLES = {
    "secantus_index_entries": "key_format=SSSu,value_format=u",
    "secantus_unique_keys": "key_format=SSSu,value_format=q",
    "secantus_natural_seq": "key_format=SSu,value_format=q",
    **{f"secantus_documents_sh{shard}": "key_format=SSq,value_format=u" for shard in range(SHARDS)},
}
"""What grows with the documents, as the server itself would make it."""


def make(store: Path) -> None:
    """Make the tables in an empty folder."""
    from wiredtiger import wiredtiger_open  # type: ignore[import-not-found]  # of the database's environment, not of ours

    engine = wiredtiger_open(str(store), "create,log=(enabled=true,file_max=10MB,prealloc=false)")
    session = engine.open_session()
    for name, formats in TABLES.items():
        session.create(f"table:{name}", f"{formats},{PAGE}")
    engine.close()


def main(store: Path, command: list[str]) -> None:
    if not any(store.iterdir()):
        make(store)
    os.execve(command[0], command, {**os.environ, **ROOM})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
