"""A kind of import rule that import-linter has not: these modules import this and nothing else."""

from __future__ import annotations

import sys

import grimp
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """`modules` and all below them import directly the standard library, each other, and `may_import` (with all below)."""

    type_name = "only"

    modules: list[str] = fields.ListField(subfield=fields.StringField())  # type: ignore[assignment]  # a descriptor
    may_import: list[str] = fields.ListField(subfield=fields.StringField())  # type: ignore[assignment]

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - import-linter's signature
        roots = {root for pattern in self.modules for root in graph.find_matching_modules(pattern)}
        if not roots:
            raise ValueError(f"no module matches {self.modules}")
        found = {root: _foreign(graph, root, self.may_import) for root in sorted(roots)}
        breaches = [breach for breaches in found.values() for breach in breaches]
        return ContractCheck(kept=not breaches, metadata={"breaches": breaches})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["breaches"]:
            output.print_error(f"{importer} -> {imported}", bold=False)


def _foreign(graph: grimp.ImportGraph, root: str, allowed: list[str]) -> list[tuple[str, str]]:
    inside = {root, *graph.find_descendants(root)}
    permitted = [*allowed, root]
    return [
        (importer, imported)
        for importer in sorted(inside)
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
        if imported.split(".")[0] not in sys.stdlib_module_names
        and not any(imported == name or imported.startswith(f"{name}.") for name in permitted)
    ]
