"""`generation_kwargs` and `fewshot_config` of task files: carried out, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from harness.core.errors import SuiteError
from harness.core.evaluation import EvaluationContext
from harness.core.model import ModelFacts
from harness.evaluations.lm_eval.generation_settings import generation_settings
from harness.evaluations.lm_eval.lm_eval_task import LmEvalTask
from harness.evaluations.lm_eval.prompt_templates import Prompts
from harness.evaluations.lm_eval.task_file import checked

TASK = {
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "test.jsonl"}},
    "test_split": "test",
    "output_type": "generate_until",
    "doc_to_text": "Q: {{q}}\nA:",
    "doc_to_target": "{{a}}",
}


def settings(**given: Any) -> dict[str, Any]:
    return generation_settings({"generation_kwargs": given})


def test_every_key_of_sampling_is_carried_out() -> None:
    made = settings(do_sample=True, temperature=0.7, top_p=0.9, top_k=20, until=["\n"], max_new_tokens=30)
    assert (made["temperature"], made["top_p"], made["top_k"]) == (0.7, 0.9, 20)
    assert (made["stop"], made["max_tokens"]) == (("\n",), 30)


def test_sampling_without_a_temperature_is_no_greedy_decoding() -> None:
    assert settings(do_sample=True)["temperature"] == 1.0
    with pytest.raises(SuiteError, match="temperature"):
        settings(do_sample=True, temperature=0)


def test_sampling_follows_lm_evals_own_normal_form() -> None:
    assert settings(temperature=0.5)["temperature"] == 0.5
    assert settings(do_sample=False, temperature=0.5, top_p=0.9)["temperature"] == 0.0
    assert settings(temperature=0.0)["temperature"] == 0.0
    assert settings(do_sample=None, temperature=None, top_p=None)["temperature"] == 0.0


def test_beams_and_penalties_are_carried_out() -> None:
    made = settings(num_beams=4, length_penalty=0.5, early_stopping=True, repetition_penalty=1.2)
    assert (made["num_beams"], made["length_penalty"], made["early_stopping"]) == (4, 0.5, True)
    assert made["repetition_penalty"] == 1.2


def test_names_of_the_length_limit_have_lm_evals_order() -> None:
    assert settings(max_tokens=3)["max_tokens"] == 3
    assert settings(max_new_tokens=5, max_gen_toks=4)["max_tokens"] == 4
    assert settings()["max_tokens"] == 256


def test_stop_strings_default_to_what_separates_examples() -> None:
    assert settings()["stop"] == ("\n\n",)
    assert settings(until=None)["stop"] == settings(until=[])["stop"] == ()
    assert settings(until="Q:")["stop"] == ("Q:",)
    with pytest.raises(SuiteError, match="until"):
        settings(until=[3])


@pytest.mark.parametrize(
    "key", ["max_length", "min_p", "typical_p", "diversity_penalty", "top_pp", "num_return_sequences"]
)
def test_another_key_is_an_error(key: str) -> None:
    with pytest.raises(SuiteError, match=key):
        settings(**{key: 1})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"fewshot_config": {"sampler": "first_n", "order": "random"}}, "order"),
        ({"fewshot_config": {"samples": "utils.shots"}}, "samples"),
        ({"fewshot_config": {"fewshot_indices": "1, 2"}}, "fewshot_indices"),
        ({"fewshot_config": {"process_docs": "utils.clean"}}, "process_docs"),
        ({"filter_list": [{"name": "a", "filter": [], "metric_list": []}]}, "metric_list"),
        ({"filter_list": [{"name": "a", "filter": [{"function": "regex", "flags": 2}]}]}, "flags"),
        ({"metric_list": [{"metric": "exact_match", "ignore_accents": True}]}, "ignore_accents"),
        ({"metric_list": [{"metric": "exact_match", "aggregation": "median"}]}, "median"),
        (
            {"output_type": "loglikelihood", "metric_list": None, "generation_kwargs": {"until": []}},
            "generation_kwargs",
        ),
        ({"generation_kwargs": {"num_beam": 4}}, "num_beams"),
    ],
)
def test_every_key_that_is_not_carried_out_is_an_error(change: dict[str, Any], named: str, tmp_path: Any) -> None:
    def build() -> LmEvalTask:
        given = LmEvalTask.prepared({"task": {**TASK, **change}, "folder": str(tmp_path)}, tmp_path)
        return LmEvalTask("t", LmEvalTask.Options.model_validate(given), EvaluationContext())

    with pytest.raises(SuiteError, match=named):
        build()


def made(**change: Any) -> LmEvalTask:
    options = LmEvalTask.Options.model_validate(
        {"task": checked({**TASK, **change}, None), "metrics": ["exact_match_strict"]}
    )
    return LmEvalTask("t", options, EvaluationContext())


def test_examples_of_the_file_itself_are_shown_and_nothing_of_the_test_split() -> None:
    samples = [{"q": f"s{number}", "a": "x"} for number in range(2)]
    task = {**TASK, "fewshot_config": {"sampler": "first_n", "samples": samples}}
    docs = [{"q": "t0", "a": "y"}, {"q": "t1", "a": "y"}]
    drawn = Prompts(task, 2).drawn(docs, samples, same=False)
    assert drawn == [samples, samples]
    (ref,) = LmEvalTask.data_names(made(fewshot_config=task["fewshot_config"], num_fewshot=2).options)
    assert ref.options["splits"] == {"test": "test"}


def test_indices_that_lm_eval_ignores_are_honored_and_said() -> None:
    task = made(num_fewshot=1, fewshot_config={"fewshot_indices": [2]})
    assert any("lm-eval 0.4.13 ignores" in caveat for caveat in task.caveats)
    docs = [{"q": str(number), "a": "x"} for number in range(4)]
    assert Prompts(task.task, 1).drawn(docs[:1], docs, same=False) == [[docs[2]]]


def test_a_server_is_not_asked_for_what_it_would_drop() -> None:
    facts = ModelFacts(
        "d", "server", "causal", None, supports=frozenset({"generate"}), decoding=frozenset({"temperature"})
    )
    with pytest.raises(SuiteError, match="num_beams"):
        made(generation_kwargs={"num_beams": 2}).protocol(facts)
    assert made(generation_kwargs={"do_sample": True, "temperature": 0.5}).protocol(facts)
