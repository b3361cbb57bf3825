"""How a model was asked, by content: what records keep of it beside the protocol's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.core.digests import digest
from harness.core.evaluation import Evaluation
from harness.core.model import ModelFacts
from harness.core.records import RecordsHead


def protocol_facts(evaluation: Evaluation, protocol: str, facts: ModelFacts, *, messages: bool) -> dict[str, Any]:
    """Prompt, words, stop rules, filters and scorer of an evaluation, and what the model puts around them.

    Args:
        messages: whether questions go through the chat template.

    Returns:
        `content`, and its `digest`: two figures are comparable when these are equal.
    """
    content: dict[str, Any] = {"protocol": protocol, **evaluation.protocol_content(protocol)}
    if messages:
        own = facts.chat_form or facts.chat_template
        content["template"] = own or content.get("default_template") or "the server's own"
    if "scoring" in facts.answer_key:
        content["scoring"] = facts.answer_key["scoring"]
    return _sealed(content)


def with_parts(head: RecordsHead, parts: Mapping[str, Any]) -> RecordsHead:
    """The head with more that decides the figures: worked examples, models that read the answers."""
    asked = head.facts.get("asked")
    if not parts or not asked:
        return head
    return replace(head, facts={**head.facts, "asked": _sealed({**asked["content"], **parts})})


def _sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": dict(content), "digest": digest(content)}
