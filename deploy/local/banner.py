"""What `make run` says when all is ready: where things are, who may call, and five lines to paste."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from deploy.local.profile import GATEWAY, SERVICES, Profile
from deploy.local.sample import AUDITOR, PORTAL

WIDTH = 80
EXAMPLE = "NQ03-114"
"""The row of Government Resolution 03 that fails most of the clears: several leads, no product, no end, nobody named."""


def curl_lines(gateway: str, portal: Mapping[str, Any], auditor: Mapping[str, Any], task: str) -> list[tuple[str, str]]:
    """(what it shows, the command) of the five lines. Each is one command; the first sets what the others use."""
    field = """python3 -c 'import json,sys;print(json.load(sys.stdin)["access_token"])'"""

    def token(client: Mapping[str, Any]) -> str:
        return (
            f"curl -s -u {client['client_id']}:\\\n{client['client_secret']} \\\n"  # one word, on two lines
            f"  -d grant_type=client_credentials {gateway}/oauth2/token \\\n  | {field}"
        )

    def get(path: str) -> str:
        return f'curl -s -H "Authorization: Bearer $TOKEN" \\\n  "{gateway}{path}"'

    refusal = (
        'curl -s -X POST -H "Authorization: Bearer $TOKEN" -H "Accept-Language: en" \\\n'
        f'  -H "Idempotency-Key: $(date +%s)" \\\n  "{gateway}/v1/tasks/{task}/publish"'
    )
    return [
        ("a token, for the next lines", f"TOKEN=$({token(portal)})"),
        ("tasks as they were imported", get("/v1/tasks?limit=3")),
        (f"one task by its clears ({EXAMPLE})", get(f"/v1/tasks/{task}")),
        (
            "why it cannot be published, with the words and a repair",
            refusal,
        ),
        (
            "the ledger, with the auditor's own token",
            f'curl -s -H "Authorization: Bearer $({token(auditor)})" \\\n  "{gateway}/v1/ledger/entries?limit=3"',
        ),
    ]


def banner(
    profile: Profile, clients: Sequence[Mapping[str, Any]], task: str, people: int, resident: int, seconds: float
) -> str:
    """The whole text, at most 80 columns wide but for paths."""
    by_name = {client["name"]: client for client in clients}
    lines = [
        "",
        f"Ready in {seconds:.0f} s; {resident / 2**30:.2f} GiB resident.",
        "",
        "Addresses",
        f"  gateway      {profile.gateway}",
        f"  API docs     {profile.gateway}/docs",
        f"  mailbox      {profile.mailbox}/",
        f"  broker       {profile.kafka}",
        f"  database     {'(as given by MONGO_URI)' if profile.wanted.mongo else profile.mongo}",
        *(f"  metrics      {profile.ops(name)}/metrics  ({name})" for name in (*SERVICES, GATEWAY)),
        "",
        "Demonstration clients",
    ]
    for client in clients:
        lines += [f"  {client['name']}", f"    id      {client['client_id']}", f"    secret  {client['client_secret']}"]
        lines += _listed("scopes", client["scopes"])
        lines += _listed("units", client["units"] or ["the whole province"])
    lines += ["", f"Demonstration people: {people}, with tokens, in run.json", "", "Try it (paste one after the other)"]
    for number, (what, command) in enumerate(curl_lines(profile.gateway, by_name[PORTAL], by_name[AUDITOR], task), 1):
        lines += [f"# {number}. {what}", command]
    lines += [
        "",
        "Where things are",
        f"  data     {profile.home}",
        f"  logs     {profile.home / 'logs'}",
        f"  run.json {profile.home / 'run.json'}",
        "",
        "In another terminal: make demo. Ctrl-C ends everything; make run goes on.",
    ]
    return "\n".join(lines)


def _listed(title: str, words: Sequence[str]) -> list[str]:
    found = wrap(" ".join(words), WIDTH - 12, break_long_words=False, break_on_hyphens=False)
    return [f"    {title if number == 0 else '':<7} {line}" for number, line in enumerate(found)]
