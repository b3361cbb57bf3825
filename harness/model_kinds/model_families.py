"""What follows from a configuration alone: masked, causal or sequence to sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MASKED_TYPES = frozenset(
    {
        "albert",
        "bert",
        "big_bird",
        "camembert",
        "convbert",
        "data2vec-text",
        "deberta",
        "deberta-v2",
        "distilbert",
        "electra",
        "ernie",
        "esm",
        "esmc",
        "eurobert",
        "flaubert",
        "fnet",
        "funnel",
        "gte",
        "ibert",
        "jina_embeddings_v3",
        "layoutlm",
        "longformer",
        "luke",
        "megatron-bert",
        "mobilebert",
        "modernbert",
        "mpnet",
        "mra",
        "nomic_bert",
        "nystromformer",
        "rembert",
        "roberta",
        "roberta-prelayernorm",
        "roc_bert",
        "roformer",
        "squeezebert",
        "xlm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
        "yoso",
    }
)
"""Model types whose language model reads both sides; all others with one read from the left."""


def _family(config: Mapping[str, Any]) -> str:
    if config.get("is_encoder_decoder"):
        return "seq2seq"
    decodes = bool(config.get("is_decoder")) or bool(config.get("causal"))
    causal = str(config.get("model_type", "")) not in MASKED_TYPES or decodes
    return "causal" if causal else "masked"
