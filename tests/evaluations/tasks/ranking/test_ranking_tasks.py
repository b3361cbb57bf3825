"""Retrieval and reranking: one table and three, candidates, prompts, protocols, and who is asked how."""

from __future__ import annotations

import numpy as np
import pytest
from harness_support.plain_models import Answering, made
from sklearn.feature_extraction.text import TfidfVectorizer

from harness.core.errors import DataError
from harness.core.requests import DocumentPool, Embed, Rank, Ranking, Regress
from harness.evaluations.tasks.ranking.reranking import Reranking
from harness.evaluations.tasks.ranking.retrieval import Retrieval
from harness.models.response_builders import best_documents
from harness.testing import ask, dataset
from harness.text.lexical_ranking import LexicalIndex

ROWS = [
    {"query": "red cat", "positives": '["a red cat", "the cat is red"]', "negatives": "blue sea"},
    {"query": "blue sea", "positives": "blue sea", "negatives": "a red cat"},
    {"query": "nothing", "positives": "", "negatives": "blue sea"},
]
CORPUS = [{"_id": f"d{n}", "title": "T" if n else "", "text": text} for n, text in enumerate(["cat", "dog", "sea"])]
QUERIES = [{"_id": "q1", "text": "a cat"}, {"_id": "q2", "text": "a sea"}, {"_id": "q3", "text": "unjudged"}]
QRELS = [
    {"query-id": "q1", "corpus-id": "d0", "score": 2},
    {"query-id": "q1", "corpus-id": "d1", "score": 1},
    {"query-id": "q2", "corpus-id": "d1", "score": 0},
]


def lexical() -> Answering:
    def answer(request: Rank) -> Ranking:
        return best_documents(LexicalIndex(request.pool.texts).scores(request.query), request.top)

    return Answering(answer, supports=frozenset({Rank.kind}))


def one_table() -> list[object]:
    data = dataset(ROWS)
    return [data]


def test_one_table_is_searched_whole_and_a_query_without_a_positive_is_left_out() -> None:
    task = made(Retrieval, data="d", negatives="negatives")
    records = ask(task, one_table(), lexical())
    assert records.head.protocol == "rule"
    assert len(records) == 2
    assert records.stat("ndcg.10").tolist() == [1.0, 1.0]
    assert (
        task.remarks(one_table(), "test")
        == (
            "2 queries, 3 documents.",
            "1 queries have no relevant document and are left out.",
        )
        or next(iter(task.remarks(one_table(), "test"))) == "2 queries, 3 documents."
    )


def test_three_tables_join_by_ids_and_titles_stand_before_texts() -> None:
    data = [dataset(QUERIES, name="q"), dataset(CORPUS, name="c"), dataset(QRELS, name="r")]
    seen: list[DocumentPool] = []

    def answer(request: Rank) -> Ranking:
        seen.append(request.pool)
        return Ranking((0, 2, 1), (3.0, 2.0, 1.0))

    task = made(Retrieval, data="q", corpus="c", qrels="r", title="title")
    records = ask(task, data, Answering(answer, supports=frozenset({Rank.kind})))
    assert seen[0].texts == ("T sea", "T dog", "cat")
    assert len(records) == 1
    # d0 (grade 2) stands second, d1 (grade 1) third.
    expected = (2 / np.log2(3) + 1 / np.log2(4)) / (2 + 1 / np.log2(3))
    assert records.stat("ndcg.10")[0] == pytest.approx(expected)
    assert records.stat("mrr.10")[0] == 0.5
    assert records.stat("recall.100")[0] == 1.0
    with pytest.raises(DataError, match="the document 'd9' is not in data 'c'"):
        list(task.items([data[0], data[1], dataset([{**QRELS[0], "corpus-id": "d9"}], name="r")], "test"))


def test_a_query_never_ranks_itself_where_ids_are_shared() -> None:
    queries = [{"_id": "d0", "text": "cat"}]
    qrels = [{"query-id": "d0", "corpus-id": "d1", "score": 1}]
    data = [dataset(queries, name="q"), dataset(CORPUS, name="c"), dataset(qrels, name="r")]
    model = Answering(lambda request: Ranking((2, 1, 0), (3.0, 2.0, 1.0)), supports=frozenset({Rank.kind}))
    for ignored, rank in ((False, 2), (True, 1)):
        task = made(Retrieval, data="q", corpus="c", qrels="r", ignore_identical_ids=ignored)
        assert ask(task, data, model).stat("mrr.10")[0] == 1 / rank


def test_candidates_are_the_judged_ones_and_those_with_most_words_in_common() -> None:
    sizes = []

    def answer(request: Rank) -> Ranking:
        sizes.append(len(request.pool.texts))
        return Ranking(tuple(range(len(request.pool.texts))), (0.0,) * len(request.pool.texts))

    model = Answering(answer, supports=frozenset({Regress.kind, Rank.kind}))
    records = ask(made(Reranking, data="d", negatives="negatives"), one_table(), model)
    assert records.head.protocol == "head"
    assert sorted(sizes) == [2, 3]
    sizes.clear()
    ask(made(Reranking, data="d", candidates=3), one_table(), model)
    assert sizes == [2, 2] or max(sizes) <= 3
    with pytest.raises(DataError, match="every candidate of every query is relevant"):
        list(made(Reranking, data="d").items(one_table(), "test"))


def test_prompts_by_name_and_similarity_are_the_encoder_s_own() -> None:
    def answer(request: Rank) -> Ranking:
        assert (request.pooling, request.prompts, request.similarity) == ("first", ("query", "passage"), "dot")
        return Ranking((0, 1, 2), (3.0, 2.0, 1.0))

    model = Answering(
        answer,
        supports=frozenset({Embed.kind, Rank.kind}),
        pooling="first",
        prompts=("query", "passage", "sts"),
        similarity="dot",
    )
    records = ask(made(Retrieval, data="d", negatives="negatives"), one_table(), model)
    assert records.head.protocol == 'dot_first ["query", "passage"]'


def test_words_are_weighed_as_scikit_learn_weighs_them() -> None:
    documents = ["the cat sat on the mat", "a dog sat", "cats and dogs, and cats", ""]
    queries = ["the cat and the dog", "sat sat", "unknown"]
    vectorizer = TfidfVectorizer().fit(documents)
    expected = (vectorizer.transform(queries) @ vectorizer.transform(documents).T).toarray()
    index = LexicalIndex(documents)
    for query, row in zip(queries, expected, strict=True):
        assert index.scores(query) == pytest.approx(row)


def test_a_metric_s_own_depth_is_measured() -> None:
    task = made(Retrieval, data="d", negatives="negatives", metrics=["ndcg_at_k[2]"])
    assert "ndcg.2" in ask(task, one_table(), lexical()).stat_names
