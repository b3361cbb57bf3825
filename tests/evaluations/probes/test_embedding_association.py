"""WEAT: effect size and p equal a slow, independent computation; words that are no sets."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from harness_support.plain_models import TableModel, ask, dataset
from pydantic import ValidationError

from harness.comparisons.metric_results import metric_results
from harness.core.errors import DataError
from harness.core.evaluation import EvaluationContext
from harness.core.records import Records
from harness.core.requests import Embed, Embedding, Request, Response
from harness.evaluations.probes.embedding_association import EmbeddingAssociation
from harness.metrics.bias.weat import permutation_p
from harness.metrics.build_metrics import build_metrics
from harness.statistics.inference_settings import InferenceSettings

SETS: dict[str, Any] = {
    "targets": {"x": ["a1", "a2", "a3", "a4"], "y": ["b1", "b2", "b3"]},
    "attributes": {"p": ["c1", "c2", "c3"], "q": ["d1", "d2"]},
}
WORDS = [word for group in (*SETS["targets"].values(), *SETS["attributes"].values()) for word in group]


def vectors(seed: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {word: rng.normal(size=6) for word in WORDS}


def model(found: dict[str, np.ndarray]) -> TableModel:
    def embed(request: Request) -> Response | None:
        return Embedding(tuple(found[request.text].tolist())) if isinstance(request, Embed) else None

    return TableModel(None, supports=["embed"], special=embed)


def probe(**options: Any) -> EmbeddingAssociation:
    made = EmbeddingAssociation.Options.model_validate(options or SETS)
    return EmbeddingAssociation("weat", made, EvaluationContext())


def value(records: Records, name: str) -> float | None:
    (metric,) = build_metrics([name], probe().metric_context())
    return metric_results(
        records, metric, evaluation="e", model="m", slices=False, settings=InferenceSettings(resamples=200)
    )[0].interval.value


def slow_weat(found: dict[str, np.ndarray]) -> tuple[float, float]:
    """d and p as the paper writes them, one cosine at a time."""

    def cosine(first: str, second: str) -> float:
        u, v = found[first], found[second]
        return sum(u * v) / (sum(u * u) ** 0.5 * sum(v * v) ** 0.5)

    (x, y), (a, b) = SETS["targets"].values(), SETS["attributes"].values()
    s = {
        word: sum(cosine(word, one) for one in a) / len(a) - sum(cosine(word, one) for one in b) / len(b)
        for word in [*x, *y]
    }
    every = list(s.values())
    mean = sum(every) / len(every)
    spread = (sum((one - mean) ** 2 for one in every) / (len(every) - 1)) ** 0.5
    d = (sum(s[w] for w in x) / len(x) - sum(s[w] for w in y) / len(y)) / spread

    def gap(chosen: tuple[str, ...]) -> float:
        rest = [w for w in s if w not in chosen]
        return sum(s[w] for w in chosen) / len(chosen) - sum(s[w] for w in rest) / len(rest)

    gaps = [gap(chosen) for chosen in itertools.combinations(s, len(x))]
    return d, sum(one >= gap(tuple(x)) - 1e-12 for one in gaps) / len(gaps)


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_effect_size_and_p_equal_the_slow_computation(seed: int) -> None:
    records = ask(probe(), [], model(vectors(seed)))
    d, p = slow_weat(vectors(seed))
    assert value(records, "weat_effect_size") == pytest.approx(d, abs=1e-6)
    assert value(records, "weat_p_value") == pytest.approx(p, abs=1e-9)


def test_sampled_p_comes_near_the_exact_one() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(0.4, 1, 12), rng.normal(0, 1, 13)
    sampled = permutation_p(x, y)
    from scipy.stats import permutation_test

    other = permutation_test(
        (x, y), lambda a, b: a.mean() - b.mean(), alternative="greater", n_resamples=20_000, rng=2
    ).pvalue
    assert sampled == pytest.approx(other, abs=0.015)


def test_equal_vectors_have_no_effect_and_templates_are_averaged() -> None:
    same = dict.fromkeys(WORDS, np.ones(4))
    assert value(ask(probe(), [], model(same)), "weat_effect_size") is None
    twice = {**vectors(), **{f"the {word}": vector for word, vector in vectors(9).items()}}
    both = probe(**SETS, templates=["{word}", "the {word}"])
    item = next(iter(both.items([], "test")))
    assert len(both.requests(item, "embed_mean")) == 2 * (1 + 5)
    assert value(ask(both, [], model(twice)), "weat_effect_size") is not None


def test_words_of_a_table_and_words_that_are_no_sets() -> None:
    rows = [
        {"set": name, "group": group, "word": word}
        for name, sets in SETS.items()
        for group, words in sets.items()
        for word in words
    ]
    from_table = probe(words="w")
    records = ask(from_table, [dataset(rows)], model(vectors()))
    assert value(records, "weat_effect_size") == pytest.approx(slow_weat(vectors())[0])
    with pytest.raises(DataError, match="`targets` needs two sets of words, found 1"):
        list(from_table.items([dataset(rows[:4])], "test"))
    with pytest.raises(ValidationError, match="each in one set and once"):
        probe(targets={"x": ["a"], "y": ["a"]}, attributes=SETS["attributes"])
    assert probe().protocol(TableModel("masked").facts) is None
