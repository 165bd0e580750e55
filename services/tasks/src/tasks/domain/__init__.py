"""Pure rules: standard library, pydantic, `common.contracts`, `common.domain` and `common.errors`; no I/O."""
