"""Against a real server that serves SmolLM2-135M-Instruct: `HARNESS_TEST_SERVER_URL` says where (docs/models.md).

llama.cpp computes on 4-bit weights with rounded activations, so its numbers differ from ours by a little.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.core.errors import CheckpointError
from harness.core.reporter import Silent
from harness.core.requests import Continuations, Generate, Generated, Likelihood, RollingLikelihood, Scores
from harness.model_kinds.server_kind import ServerSpec
from harness.models.cached_model import CachedModel
from harness.models.checkpoint.sources.locate import NamedCheckpoint, locate
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.models.server.open_server import served
from harness.storage.store import Store

URL = os.environ.get("HARNESS_TEST_SERVER_URL")
MODEL = os.environ.get("HARNESS_TEST_SERVER_MODEL", "smollm2")
PREFIX = "<|im_start|>\n"
NATS_A_TOKEN = 0.3

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow,
    pytest.mark.skipif(URL is None, reason="HARNESS_TEST_SERVER_URL names no server"),
]
TEXTS = (
    "The nurse told the doctor that she was happy with the long report.",
    "Naïve café owners serve 🙂 emojis and crème brûlée, 12 at a time.",
    "def add(a, b):\n    return a + b\n",
)
CHOICES = (
    ("The capital of France is", (" Paris", " London")),
    ("Answer:  ", ("4", "five")),
    ("", ("Hello there", "🙂🙂")),
)


@pytest.fixture(scope="module")
def cache() -> Store:
    return Store(Path(os.environ.get("HARNESS_TEST_CACHE") or Store().root))


def opened(cache: Store, prefix: str) -> CachedModel:
    spec = ServerSpec(url=str(URL), model=MODEL, prefix=prefix, concurrency=2, timeout=120)
    server = served(spec, base=Path.cwd(), store=cache, reporter=Silent())
    return open_model(server, OpenContext(resolve=Path, responses=None))


def test_likelihoods_agree_with_the_same_weights_here(cache: Store) -> None:
    pytest.importorskip("gguf")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = opened(cache, PREFIX)
    requests = [*map(RollingLikelihood, TEXTS), *(Continuations(context, options) for context, options in CHOICES)]
    answers = dict(model.answer(requests))
    folder = locate(NamedCheckpoint("catalog:smollm2-135m-instruct", None), base=Path.cwd(), store=cache)
    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)

    def here(text: str, start: int) -> tuple[float, int]:
        encoded = tokenizer(PREFIX + text, return_offsets_mapping=True, return_tensors="pt")
        ends = [end for _, end in encoded.pop("offset_mapping")[0].tolist()]
        with torch.no_grad():
            logprobs = network(**encoded).logits[0].float().log_softmax(-1)
        ids = encoded["input_ids"][0].tolist()
        values = [float(logprobs[i - 1, ids[i]]) for i in range(1, len(ids)) if ends[i] > start + len(PREFIX)]
        return sum(values), len(values)

    for text in TEXTS:
        found = answers[RollingLikelihood(text)]
        total, tokens = here(text, 0)
        assert isinstance(found, Likelihood)
        assert found.tokens == tokens
        assert found.total == pytest.approx(total, abs=NATS_A_TOKEN * tokens)
    for context, options in CHOICES:
        scored = answers[Continuations(context, options)]
        assert isinstance(scored, Scores)
        for option, value in zip(options, scored.values, strict=True):
            total, tokens = here(context + option, len(context.rstrip()))
            assert value == pytest.approx(total, abs=NATS_A_TOKEN * tokens)


def test_generation_and_chat(cache: Store) -> None:
    model = opened(cache, PREFIX)
    plain, chat = (
        Generate("The capital of France is", max_tokens=4),
        Generate(messages=(("user", "Say hello."),), max_tokens=8, stop=("!",)),
    )
    answers = dict(model.answer([plain, chat]))
    assert isinstance(answers[plain], Generated)
    assert "Paris" in answers[plain].text
    assert isinstance(answers[chat], Generated)
    assert "!" not in answers[chat].text


@pytest.mark.skipif("HARNESS_TEST_SERVER_SHIFTED" not in os.environ, reason="the server is not known to be wrong")
def test_shifted_log_probabilities_are_found_out(cache: Store) -> None:
    with pytest.raises(CheckpointError, match="belong to other tokens"):
        opened(cache, "")
