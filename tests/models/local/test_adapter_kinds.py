"""Adapters as peft writes them, of every kind and configuration: each answers as plain peft, beside every other one."""

from __future__ import annotations

import itertools

import pytest
from harness_support import adapter_zoo as zoo
from harness_support import model_zoo
from harness_support.plain_reference import close

from harness.core.errors import CheckpointError
from harness.core.requests import Failure, Generate, RollingLikelihood
from harness.models.local.base_cache import BasePool

QUESTION = RollingLikelihood(zoo.TEXT)
AHEAD = ("lily",)
"""Kinds whose router reads the whole text: a token's likelihood would hang on what stands behind it."""
ANSWERING = [name for name in zoo.EVERY if name not in {*zoo.REFUSED, *AHEAD}]
QUICK = {*zoo.LORA, *zoo.AROUND, "ia3", "vera", "glora", "trainable tokens", "adaption prompt", "osf"}
SHARING = {
    *("lora", "rslora", "dora", "all-linear", "patterns", "one layer", "update with bias"),
    *("saved head", "saved embedding"),
}
SAMPLE = ("base", "lora", "bias all", "saved head", "head", "vera", "prompt tuning")


def kinds(names):
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A base with biases, and an adapter of a kind with what plain peft says of it; each is made once."""
    folder = tmp_path_factory.mktemp("kinds")
    base = model_zoo.language_model("llama", folder / "base", length=64, attention_bias=True, tie_word_embeddings=False)
    made = {"base": (base, zoo.text_likelihood(zoo.on_base(base, None), base, zoo.TEXT))}

    def get(kind):
        if kind not in made:
            adapter = zoo.write_adapter(folder / kind, base, zoo.EVERY[kind]())
            made[kind] = adapter, zoo.text_likelihood(zoo.on_base(base, adapter), base, zoo.TEXT)
        return made[kind]

    return get


def ask(model, question=QUESTION):
    ((_, answer),) = model.answer([question])
    return answer


@pytest.mark.parametrize("kind", kinds(ANSWERING))
def test_each_kind_answers_as_peft_and_leaves_the_base_as_it_is(kind, world, opened):
    (base, plain), (adapter, expected) = world("base"), world(kind)
    pool = BasePool()
    assert close(ask(opened(base, pool=pool)).total, plain)
    model = opened(adapter, pool=pool, resolve=lambda key: base)
    assert close(ask(model).total, expected)
    assert abs(expected - plain) > 1e-3
    assert close(ask(opened(base, pool=pool)).total, plain)
    assert (pool.loads == 1) == (kind in SHARING)
    assert not model.backend.network.switch or kind in SHARING


def every_pair(names):
    """The names in an order in which each stands once behind each other one (an Eulerian way through all pairs)."""
    ahead = {name: [other for other in names if other != name] for name in names}
    way, stack = [], [names[0]]
    while stack:
        if ahead[stack[-1]]:
            stack.append(ahead[stack[-1]].pop())
        else:
            way.append(stack.pop())
    return way[::-1]


@pytest.mark.parametrize(
    "names", [pytest.param(SAMPLE, id="sample"), pytest.param(["base", *ANSWERING], id="all", marks=pytest.mark.slow)]
)
def test_every_kind_beside_every_other_and_beside_the_base_in_both_orders(names, world, opened):
    base, _ = world("base")
    pool, before, wrong = BasePool(), None, []
    way = every_pair(list(names))
    assert set(itertools.pairwise(way)) == set(itertools.permutations(names, 2))
    for name in way:
        model = opened(world(name)[0], pool=pool, resolve=lambda key: base)
        for kind, asked in [(name, model), *([before] if before else [])]:
            if not close(ask(asked).total, world(kind)[1]):
                wrong.append((before and before[0], name, kind))
        before = name, model
    assert not wrong


def test_every_type_of_peft_is_here():
    made = {zoo.EVERY[kind]().peft_type.value for kind in zoo.EVERY}
    assert made == zoo.PEFT_TYPES


@pytest.mark.parametrize("kind", zoo.REFUSED)
def test_kinds_that_ask_for_the_number_of_a_task_are_refused(kind, world, tmp_path, opened):
    base, _ = world("base")
    adapter = zoo.write_adapter(tmp_path / "a", base, zoo.REFUSED[kind]())
    with pytest.raises(CheckpointError, match="the number of its task"):
        opened(adapter, resolve=lambda key: base)


@pytest.mark.parametrize("named", ["owner/model", "/etc"])
def test_a_shadow_that_is_another_model_is_not_followed(named, world, tmp_path, opened):
    base, _ = world("base")
    adapter = zoo.write_adapter(tmp_path / "a", base, zoo.AROUND["shadow"]())
    zoo.change_config(adapter, shadow_model=named)
    with pytest.raises(CheckpointError, match="names another model as its shadow"):
        opened(adapter, resolve=lambda key: base)


@pytest.mark.parametrize("kind", AHEAD)
def test_a_kind_that_reads_ahead_says_no_likelihoods_and_that_is_said(kind, world, opened):
    base, _ = world("base")
    model = opened(world(kind)[0], resolve=lambda key: base)
    assert isinstance(ask(model), Failure)
    assert any("reads what stands behind" in note for note in model.facts.notes)


@pytest.mark.parametrize("kind", ["lora", *zoo.AROUND, "activated"])
def test_texts_are_written_as_peft_writes_them(kind, world, opened):
    base, _ = world("base")
    adapter, _ = world(kind)
    prompt = zoo.TEXT[:40]
    answer = ask(opened(adapter, resolve=lambda key: base), Generate(prompt, max_tokens=6))
    assert answer.text == zoo.written(zoo.on_base(base, adapter), base, prompt, 6)
