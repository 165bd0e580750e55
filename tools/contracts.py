"""`python -m tools.contracts`: write what is generated from the code, or with `--check` say what on disk differs from it.

Golden schema and example of each event type (`libs/common/schemas/`), and in `docs/generated/` the AsyncAPI document, the
catalogues of events and metrics, the OpenAPI document of each service and, merged, of the whole platform. A change of an event
that would break its readers is refused. Exit status: 0, or 1 when something differs, breaks, or cannot be generated.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from common.service import Service
from tools import asyncapi, catalogue, openapi
from tools.events import breaking, event_types, example_of, schema_of
from tools.services import NAMES, NotBuilt, load

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = Path("libs/common/schemas")
GENERATED = Path("docs/generated")
OPENAPI = GENERATED / "openapi"
MERGED = OPENAPI / "merged.json"
PARTS = ("events", "metrics", "openapi")

Files = dict[Path, str]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def event_files(services: list[Service]) -> Files:
    files: Files = {}
    for event in event_types():
        files[SCHEMAS / f"{event.type}.schema.json"] = _json(schema_of(event))
        files[SCHEMAS / f"{event.type}.example.json"] = _json(example_of(event))
    files[GENERATED / "asyncapi.json"] = _json(asyncapi.document(services))
    files[GENERATED / "events.md"] = catalogue.events(services)
    return files


def metric_files() -> Files:
    return {GENERATED / "metrics.md": catalogue.metrics()}


def openapi_files(services: list[Service]) -> Files:
    documents = openapi.documents(services)
    files = {OPENAPI / f"{name}.json": _json(document) for name, document in documents.items()}
    return files | {MERGED: _json(openapi.merge(documents))}


def generate(parts: Sequence[str], services: list[Service]) -> Files:
    """The files of these parts, by path from the repository's root."""
    files: Files = {}
    if "events" in parts:
        files |= event_files(services)
    if "metrics" in parts:
        files |= metric_files()
    if "openapi" in parts:
        files |= openapi_files(services)
    return files


def stale(files: Files, parts: Sequence[str], root: Path) -> list[Path]:
    """Generated files on disk that nothing generates any more."""
    patterns = {"events": (SCHEMAS, "*.json"), "openapi": (OPENAPI, "*.json")}
    found = (path.relative_to(root) for part in parts if part in patterns for path in _glob(root, *patterns[part]))
    return [path for path in found if path not in files]


def _glob(root: Path, folder: Path, pattern: str) -> list[Path]:
    return sorted((root / folder).glob(pattern))


def broken(files: Files, parts: Sequence[str], root: Path) -> Iterator[str]:
    """What would break readers of the schemas that are on disk."""
    if "events" not in parts:
        return
    for path in _glob(root, SCHEMAS, "*.schema.json"):
        kind, text = path.name.removesuffix(".schema.json"), files.get(path.relative_to(root))
        if text is None:
            yield f"{kind}: removed; records of it lie on the topics"
            continue
        for fault in breaking(json.loads(path.read_text("utf-8")), json.loads(text)):
            yield f"{kind}: {fault}"


def differing(files: Files, root: Path) -> list[Path]:
    """Files that are missing on disk or hold something else."""
    return [path for path, text in files.items() if not (root / path).exists() or (root / path).read_text("utf-8") != text]


def write(files: Files, gone: Sequence[Path], root: Path) -> None:
    for path in gone:
        (root / path).unlink()
    for path in differing(files, root):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[path], "utf-8")


def _services(*, complete: bool) -> list[Service]:
    found = []
    for name in NAMES:
        try:
            found.append(load(name))
        except NotBuilt as error:
            if complete:
                raise
            print(f"contracts: left out: {error}", file=sys.stderr)
    return found


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.contracts", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; name what differs")
    parser.add_argument("--only", default=",".join(PARTS), metavar="PARTS", help=f"some of {', '.join(PARTS)}, with commas")
    parser.add_argument("--accept-breaking", action="store_true", help="for an event that was never published")
    arguments = parser.parse_args(argv)
    parts = arguments.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    try:
        services = [] if parts == ["metrics"] else _services(complete=arguments.check or "openapi" in parts)
        files = generate(parts, services)
    except (NotBuilt, TypeError, ValueError) as error:
        print(f"contracts: {error}", file=sys.stderr)
        return 1
    faults = [] if arguments.accept_breaking else list(broken(files, parts, root))
    for fault in faults:
        print(f"contracts: {fault}; add a new version beside it", file=sys.stderr)
    gone = stale(files, parts, root)
    if arguments.check:
        changed = [*differing(files, root), *gone]
        for path in changed:
            print(f"contracts: {path} is not what the code says; run `make contracts`", file=sys.stderr)
        return int(bool(faults or changed))
    if faults:
        return 1
    write(files, gone, root)
    print(f"contracts: {len(files)} files are as the code says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
