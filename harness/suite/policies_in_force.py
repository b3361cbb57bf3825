"""Which policies hold a suite: those that it includes, and those that the command is given.

A policy that is named and cannot be read, or is not what the suite says by digest, is an error and never "no policy".
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import Problems, SuiteError
from harness.schema.suite.policy_file import PolicyRef
from harness.schema.validation import in_words, validate
from harness.suite.policy import Policy, PolicyText, policy_at, read_policy, unreadable

VARIABLE = "HARNESS_POLICY"
"""Policy files that hold every suite that is read, separated as in PATH; `--policy` adds to them."""
SECTION = "policy"


def commanded() -> list[PolicyText]:
    """The policies that the command is given, as they stand.

    Raises:
        SuiteError: when the variable is empty, or names a file that cannot be read.
    """
    value = os.environ.get(VARIABLE)
    if value is None:
        return []
    names = value.split(os.pathsep)
    if not all(name.strip() for name in names):
        raise unreadable(
            f"{VARIABLE} is {'empty' if not value.strip() else 'empty in one part'}, where the path of a policy is "
            "expected",
            f"set {VARIABLE} to the policy's file, or remove the variable.",
        )
    texts = []
    for name in names:
        try:
            texts.append(policy_at(Path(name).expanduser(), "command"))
        except SuiteError as error:
            raise unreadable(
                f"the policy {name!r} (of --policy or {VARIABLE}) cannot be read: {error.message.rstrip('.')}",
                "correct the path.",
            ) from error
    return texts


def policies_of(
    value: Mapping[str, Any], folder: Path, problems: Problems, further: Sequence[PolicyText]
) -> list[Policy]:
    """The policies that hold a suite, each once; its own first.

    Args:
        value: the suite as plain data.
        folder: what paths in it start from.
        further: policies that others than the suite name; where one has the digest that the suite includes, it is the
            included one, wherever its file is now.

    Raises:
        SuiteError: when a policy is wrong by itself, with every fault in it.
    """
    own = _included(value.get(SECTION), folder, problems.below(SECTION), {text.digest: text for text in further})
    unique = {text.digest: text for text in reversed([*own, *further])}
    return [read_policy(text) for text in reversed(unique.values())]


def _included(raw: Any, folder: Path, problems: Problems, known: Mapping[str, PolicyText]) -> list[PolicyText]:
    if raw is None:
        return []
    if not isinstance(raw, list):
        text = _one(raw, folder, problems, known)
        return [] if text is None else [text]
    texts = [_one(entry, folder, problems.below(index), known) for index, entry in enumerate(raw)]
    return [text for text in texts if text is not None]


def _one(raw: Any, folder: Path, problems: Problems, known: Mapping[str, PolicyText]) -> PolicyText | None:
    if not isinstance(raw, dict):
        problems.add(f"expected `{{file: policy.yaml, digest: …}}`, found {in_words(raw)}.")
        return None
    named = raw.get("file")
    if "digest" not in raw and isinstance(named, str) and (folder / named).is_file():
        now = policy_at(folder / named, "suite").digest
        problems.add("the key 'digest' is missing.", hint=f"read the policy, then write `digest: {now}`.")
        return None
    ref = validate(PolicyRef, raw, problems)
    if ref is None:
        return None
    if ref.digest in known:
        return PolicyText(ref.file, known[ref.digest].content, "suite")
    path = folder / Path(ref.file).expanduser()
    try:
        text = policy_at(path, "suite")
    except SuiteError as error:
        problems.add_error(
            unreadable(f"the policy {ref.file}: {error.message.rstrip('.')}", "correct the path."), "file"
        )
        return None
    if text.digest != ref.digest:
        problems.add(
            f"the policy {ref.file} is not the one that the suite includes: its digest is {text.digest}, "
            f"expected {ref.digest}.",
            "digest",
            hint="have the change of the policy reviewed, then write its digest here.",
        )
        return None
    return text
