"""The user's own settings of pip: index, further indexes, links, certificates, proxy.

unearth does not read pip's configuration; pip is asked in a subprocess, without a shell.
Addresses may hold passwords: they are passed on and never shown.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_SECTIONS = ("global", "download", "install")


@dataclass(frozen=True, slots=True)
class PipSettings:
    """What pip would use to look for a package.

    Attributes:
        index: the index to use instead of the default one; None for the default.
        no_index: only `find_links` are used.
    """

    index: str | None = None
    extra: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    no_index: bool = False
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None
    timeout: float = 30.0


def from_pip() -> PipSettings:
    """The settings of the pip that belongs to this interpreter; only the environment's where there is no pip."""
    return settings(_config_list(), os.environ)


def settings(listing: str, environment: Mapping[str, str]) -> PipSettings:
    """Reads what `pip config list` prints; variables `PIP_*` win, then UV_* stand in for an index."""
    values: dict[str, str] = {}
    for section in _SECTIONS:
        values.update(_section(listing, f"{section}."))
    values.update(_section(listing, ":env:."))
    for name, value in environment.items():
        if name.startswith("PIP_") and value:
            values[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    uv_index = environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL")
    return PipSettings(
        index=values.get("index-url") or uv_index or None,
        extra=_many(values.get("extra-index-url", "")),
        links=_many(values.get("find-links", "")),
        trusted=_many(values.get("trusted-host", "")),
        no_index=values.get("no-index", "").lower() in {"1", "true", "yes", "on", "y", "t"},
        cert=values.get("cert") or _first(environment, ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")),
        client_cert=values.get("client-cert"),
        proxy=values.get("proxy"),
        timeout=_seconds(values.get("timeout") or values.get("default-timeout")),
    )


@cache
def _config_list() -> str:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=environment,
            cwd=Path(sys.executable).parent,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _section(listing: str, prefix: str) -> dict[str, str]:
    settings = {}
    for line in listing.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.startswith(prefix):
            try:
                settings[name.removeprefix(prefix).replace("_", "-")] = str(ast.literal_eval(value))
            except (ValueError, SyntaxError):
                continue
    return settings


def _many(value: str) -> tuple[str, ...]:
    return tuple(value.split())


def _first(environment: Mapping[str, str], names: Iterable[str]) -> str | None:
    return next((environment[name] for name in names if environment.get(name)), None)


def _seconds(value: str | None) -> float:
    try:
        return max(1.0, float(value)) if value else 30.0
    except ValueError:
        return 30.0
