"""Keeps one comment on a pull request up to date: `python -m harness.cli.pull_request_comment FILE`.

The comment is found again by its first line, a hidden marker, among the comments that a bot wrote, so that neither
another job's comment nor a person's is replaced. A comment is no verdict: whatever goes wrong here, a read-only token
of a fork first of all, is a notice, and the exit code is 0. The environment holds GITHUB_API_URL, GITHUB_REPOSITORY,
GH_TOKEN and PULL_REQUEST.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.storage.plain_http import http_opener

_TIMEOUT = 30.0
_PAGE = 100
_MOST_PAGES = 30
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.{1,2}\Z)[A-Za-z0-9._-]+\Z")


def update_comment(file: Path, environment: Mapping[str, str]) -> str:
    """Writes the comment anew or for the first time, and says what it did.

    Raises:
        OSError, ValueError: when something is missing or the host refuses.
    """
    text = file.read_text("utf-8")
    marker = text.partition("\n")[0].strip()
    if not marker.startswith("<!--"):
        raise ValueError(f"the first line of {file.name} is not a marker")
    repository, number = environment.get("GITHUB_REPOSITORY", ""), environment.get("PULL_REQUEST", "")
    if not _REPOSITORY.match(repository) or not number.isdecimal():
        raise ValueError("no pull request to comment on")
    api = f"{environment.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{repository}/issues"
    token = environment.get("GH_TOKEN", "")
    for comment in _comments(f"{api}/{number}/comments", token):
        if _first_line(comment) == marker and (comment.get("user") or {}).get("type") == "Bot":
            _ask(f"{api}/comments/{int(comment['id'])}", token, "PATCH", {"body": text})
            return "updated the comment"
    _ask(f"{api}/{number}/comments", token, "POST", {"body": text})
    return "wrote a comment"


def _comments(address: str, token: str) -> Iterator[dict[str, Any]]:
    for page in range(1, _MOST_PAGES + 1):
        comments = _ask(f"{address}?per_page={_PAGE}&page={page}", token)
        yield from comments
        if len(comments) < _PAGE:
            return


def _first_line(comment: Mapping[str, Any]) -> str:
    return str(comment.get("body") or "").partition("\n")[0].strip()


def _ask(address: str, token: str, method: str = "GET", content: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(
        address,
        method=method,
        data=None if content is None else json.dumps(content).encode("utf-8"),
        headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
    )
    with http_opener().open(request, timeout=_TIMEOUT) as answer:
        return json.load(answer)


def main(arguments: list[str]) -> int:
    """Always 0: the verdict is the exit code of another step."""
    try:
        done = update_comment(Path(arguments[0]), os.environ)
    except urllib.error.HTTPError as error:
        done = f"::notice title=harness::no comment: the host refuses (HTTP {error.code}); a fork's token only reads"
    except (OSError, ValueError, IndexError, TypeError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200].replace("%", "%25")
        done = f"::notice title=harness::no comment: {type(error).__name__}: {reason}"
    sys.stdout.write(f"{done}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
