"""How a checkpoint answers requests.

Names are imported when they are first used: only those that load a model import torch.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

# Where it is installed, transformers imports bitsandbytes, which tells of every kernel that it does without.
logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)

if TYPE_CHECKING:
    from harness.models import catalog as catalog
    from harness.models.answering import Backend as Backend
    from harness.models.answering import CachedModel as CachedModel
    from harness.models.answering import Work as Work
    from harness.models.context import OpenContext as OpenContext
    from harness.models.digest import checkpoint_digest as checkpoint_digest
    from harness.models.digest import tokenizer_digest as tokenizer_digest
    from harness.models.encoding import Encoded as Encoded
    from harness.models.encoding import TextEncoder as TextEncoder
    from harness.models.encoding import encode_texts as encode_texts
    from harness.models.features import mean_features as mean_features
    from harness.models.features import pooled_states as pooled_states
    from harness.models.formats import ClassicalWeights as ClassicalWeights
    from harness.models.formats import LinearHead as LinearHead
    from harness.models.formats import read_classical as read_classical
    from harness.models.formats import read_linear as read_linear
    from harness.models.formats import write_classical as write_classical
    from harness.models.formats import write_linear as write_linear
    from harness.models.hub import at_hand as at_hand
    from harness.models.hub import locate as locate
    from harness.models.inspection import CheckpointInfo as CheckpointInfo
    from harness.models.inspection import inspect as inspect
    from harness.models.memory import Memory as Memory
    from harness.models.opening import open_model as open_model
    from harness.models.policy import SCORING_VERSION as SCORING_VERSION
    from harness.models.policy import answer_policy as answer_policy
    from harness.models.pool import BasePool as BasePool
    from harness.models.projection import Projection as Projection
    from harness.models.projection import check_states as check_states
    from harness.models.projection import write_projection as write_projection
    from harness.models.quantised import write_quantised as write_quantised
    from harness.models.self_debias import SelfDebias as SelfDebias
    from harness.models.self_debias import write_self_debias as write_self_debias
    from harness.models.server_opening import Served as Served
    from harness.models.server_opening import served as served

_HOME = {
    "BasePool": "pool",
    "Backend": "answering",
    "CachedModel": "answering",
    "CheckpointInfo": "inspection",
    "ClassicalWeights": "formats",
    "Encoded": "encoding",
    "LinearHead": "formats",
    "Memory": "memory",
    "OpenContext": "context",
    "Projection": "projection",
    "SCORING_VERSION": "policy",
    "SelfDebias": "self_debias",
    "Served": "server_opening",
    "TextEncoder": "encoding",
    "Work": "answering",
    "answer_policy": "policy",
    "at_hand": "hub",
    "catalog": "catalog",
    "check_states": "projection",
    "checkpoint_digest": "digest",
    "encode_texts": "encoding",
    "inspect": "inspection",
    "locate": "hub",
    "mean_features": "features",
    "open_model": "opening",
    "pooled_states": "features",
    "read_classical": "formats",
    "read_linear": "formats",
    "served": "server_opening",
    "tokenizer_digest": "digest",
    "write_classical": "formats",
    "write_linear": "formats",
    "write_projection": "projection",
    "write_quantised": "quantised",
    "write_self_debias": "self_debias",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "catalog":
        return import_module(f"{__name__}.catalog")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
