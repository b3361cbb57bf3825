"""Options in one row and beginnings read once, against one plain row an option."""

from __future__ import annotations

import pytest
from harness_support import model_zoo, plain_reference
from harness_support.model_zoo import CAUSAL, TEXTS, WINDOW
from harness_support.plain_reference import close
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.reporter import Silent
from harness.core.requests import Continuations
from harness.models.local.fastpaths.shared_prefix import groups_of
from harness.models.local.fastpaths.tree_attention import tree_of

LONG = 160
HEADER = " ".join(TEXTS[:2]) + "\n"
SHOTS = [
    Continuations(HEADER + question, options)
    for question in ("Is it good?", "Who is happy, and why?", "x", "", "Is it good? Yes.")
    for options in ((" good", " bad", " a good film"), (" 🙂 é", " so"), (" one",))
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = model_zoo.language_model(kind, tmp_path_factory.mktemp(kind), length=LONG)
        return made[kind]

    return get


@pytest.mark.parametrize("kind", CAUSAL)
@pytest.mark.parametrize("budget", [1, 150, 4096])
def test_few_shot_options_equal_plain_rows(kind, budget, folder, opened):
    """Contexts are several times longer than the sliding windows."""
    reference = plain_reference.Causal(folder(kind), LONG)
    reporter = Silent()
    model = opened(folder(kind), reporter=reporter)
    model.backend.batcher.budget = budget
    assert len(model.backend.network.encoder.plain([HEADER])[0]) > 3 * WINDOW
    answers = dict(model.answer(SHOTS))
    for request in SHOTS:
        for option, value in zip(request.options, answers[request].values, strict=True):
            first = _first(reference, request) if len(request.options) > 1 else None
            assert close(value, reference.continuation(request.context, option, first)), (request, option)
    usable = model.backend.network.fast_paths.trees.usable
    assert usable == (kind != "gpt_neo")
    assert usable == (not any("no tree masks" in warning for warning in reporter.warnings))


def _first(reference, request):
    """The earliest token that ends after the context, or that the options do not share."""
    found = [reference.tokenizer(request.context + option, return_offsets_mapping=True) for option in request.options]
    join = len(request.context.rstrip())
    first = []
    for encoding in found:
        special = encoding.encodings[0].special_tokens_mask
        ends = [end for _, end in encoding["offset_mapping"]]
        first.append(next(i for i, end in enumerate(ends) if not special[i] and end > join))
    ids = [encoding["input_ids"] for encoding in found]
    common = next(i for i, column in enumerate(zip(*ids, strict=False)) if len(set(column)) > 1)
    return min(common, *first)


def test_what_many_contexts_begin_with_is_read_once(folder, opened, monkeypatch):
    model = opened(folder("llama"))
    forest = model.backend.network.fast_paths.trees
    assert forest.usable
    read, sizes = [], []
    plain_read, plain = forest.read, forest.logprobs_after
    monkeypatch.setattr(forest, "read", lambda ids: read.append(len(ids)) or plain_read(ids))
    monkeypatch.setattr(
        forest, "logprobs_after", lambda c, n, trees: sizes.append(sum(map(len, trees))) or plain(c, n, trees)
    )
    list(model.answer(SHOTS))
    header = len(model.backend.network.encoder.plain([HEADER])[0])
    assert len(read) == 1
    assert read[0] >= header - 2
    assert sum(sizes) < len(SHOTS) * header / 2


def test_a_tree_reads_its_own_branches_only():
    tree = tree_of([5, 6, 7], [[1, 2, 3], [4], [8, 9]], owner=3, cached=1)
    assert tree.ids.tolist() == [6, 7, 1, 2, 8]
    assert tree.depth.tolist() == [1, 2, 3, 4, 3]
    assert tree.branch.tolist() == [0, 0, 1, 1, 3]
    by_option = {option: tree.row.targets[tree.option == option].tolist() for option in set(tree.option.tolist())}
    assert by_option == {0: [1, 2, 3], 1: [4], 2: [8, 9]}
    places = tree.row.positions[tree.row.at]
    assert places[tree.option == 0].tolist() == [1, 2, 3]
    assert places[tree.option == 1].tolist() == [1]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.text("ab", min_size=1, max_size=4)), max_size=12))
def test_groups_share_what_they_say(rows):
    heads = [[7] * 20, [7] * 20 + [8] * 40, [9] * 30, []]
    sequences = [[*heads[head], *[5] * more, *map(ord, tail)] for head, more, tail in rows]
    groups = groups_of(sequences)
    assert sorted(index for group in groups for index in group.members) == list(range(len(sequences)))
    for group in groups:
        parts = {tuple(sequences[index][: group.length]) for index in group.members}
        assert group.length == 0 or len(parts) == 1
        assert all(group.length < len(sequences[index]) or group.length == 0 for index in group.members)


def test_groups_take_the_longer_beginnings_of_subjects():
    """Two subjects under one instruction: reading each subject's header once saves more."""
    sequences = [[1] * 30 + [subject] * 200 + [item] for subject in (2, 3) for item in range(5)]
    assert sorted((group.length, group.members) for group in groups_of(sequences)) == [
        (230, (0, 1, 2, 3, 4)),
        (230, (5, 6, 7, 8, 9)),
    ]
