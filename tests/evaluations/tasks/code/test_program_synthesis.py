"""Program synthesis: what is the program, what is measured with and without running it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from harness_support.plain_models import Answering, ask, dataset, figure, writer

from harness.core.errors import SuiteError
from harness.core.evaluation import EvaluationContext
from harness.core.examples import PromptTarget
from harness.core.records import Records
from harness.core.reporter import Silent
from harness.core.requests import Continuations, Failure, Generate, Generated, Scores
from harness.data.open_dataset import open_dataset
from harness.evaluations.programs import guarantees
from harness.evaluations.tasks.code.program_synthesis import ProgramSynthesis, program_of
from harness.schema.suite.data_refs import CatalogRef
from harness.storage.store import Store

HEAD = 'import math\n\ndef root(x):\n    """The square root."""\n'
RIGHT = "    return math.sqrt(x)\n"
ROW = {
    "prompt": HEAD,
    "entry_point": "root",
    "canonical_solution": RIGHT,
    "test": "def check(candidate):\n    assert candidate(9) == 3\n",
}

runs = pytest.mark.usefixtures("locked_down")


def task(generated_code: bool, **options: Any) -> ProgramSynthesis:
    made = ProgramSynthesis.Options.model_validate({"data": "rows", **options})
    return ProgramSynthesis("t", made, EvaluationContext(generated_code=generated_code))


def records(generated_code: bool, *answers: str, row: dict[str, str] = ROW, **options: Any) -> Records:
    rows = [{**row, "prompt": f"# {number}\n{row['prompt']}"} for number in range(len(answers))]
    written = {made["prompt"]: answer for made, answer in zip(rows, answers, strict=True)}
    return ask(task(generated_code, **options), [dataset(rows, name="rows")], writer(written))


def test_without_leave_programs_are_parsed_and_no_figure_of_passing_is_computed() -> None:
    parsed = records(False, RIGHT, "    return (", "    return 0\n", "")
    assert figure(parsed, "parse_rate") == 0.5
    assert "correct" not in parsed.stat_names
    assert figure(parsed, "target_bits_per_byte") == pytest.approx(1 / math.log(2))
    made = task(False)
    assert "pass_rate" not in made.default_metrics
    (warning,) = made.warnings([dataset([ROW, {**ROW, "prompt": "def f(): "}], name="rows")], "test")
    assert warning == made.caveats[0]
    assert "not run" in warning
    assert "--allow-generated-code" in warning


@runs
def test_with_leave_the_check_decides() -> None:
    ran = records(True, RIGHT, "    return (", "    return 0\n", "")
    assert [figure(ran, name) for name in ("pass_rate", "parse_rate")] == [0.25, 0.5]
    outcomes = sorted(json.loads(text)["outcome"] for text in ran.texts("response"))
    assert outcomes == ["does not parse", "does not parse", "passed", "wrong value"]


@runs
def test_an_item_whose_check_is_broken_is_failed_and_not_wrong() -> None:
    broken = records(True, RIGHT, RIGHT, row={**ROW, "test": "def check(candidate):\n    candidate(print)\n"})
    assert broken.texts("status") == ["failed", "failed"]
    assert "check cannot run" in json.loads(broken.texts("response")[0])["message"]


@runs
def test_pass_at_k_counts_the_answers_of_an_item() -> None:
    def answer(request: Any) -> Any:
        if isinstance(request, Generate):
            return Generated(RIGHT if request.sample == 1 else "    return 0\n", 4, "end")
        return Scores((-1.0,)) if isinstance(request, Continuations) else Failure("unsupported", "")

    model = Answering(
        answer,
        supports=frozenset({"generate", "continuations"}),
        language_model="causal",
        decoding=frozenset({"temperature", "top_p", "top_k"}),
    )
    sampled = ask(task(True, samples=4, generation_kwargs={"do_sample": True}), [dataset([ROW], name="rows")], model)
    assert figure(sampled, "pass_rate") == 0.25
    assert figure(sampled, "pass_at_k[2]") == pytest.approx(0.5)
    assert figure(sampled, "pass_at_k") == 1.0


def test_records_of_run_and_of_parsed_programs_are_kept_apart() -> None:
    assert task(True).spec() != task(False).spec()
    assert task(True).protocol_content("generation") != task(False).protocol_content("generation")


def test_a_system_that_cannot_lock_down_is_refused_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarantees, "_tried", lambda: {"no network": "a probe got through"})
    data = dataset([ROW], name="rows")
    with pytest.raises(SuiteError, match="Not enforced: no network"):
        task(True).check_data([data])
    task(False).check_data([data])


def test_training_sees_the_right_rest_with_its_indent() -> None:
    assert task(False).examples(dataset([ROW], name="rows"), "test") == [PromptTarget(target=RIGHT, prompt=HEAD)]


@pytest.mark.parametrize(
    ("text", "program"),
    [
        (RIGHT.rstrip(), HEAD + RIGHT),
        ("return math.sqrt(x)", HEAD + RIGHT),
        ("\n    return 1", f"{HEAD}\n    return 1\n"),
        ("Here:\n```python\n    return 2\n```\nDone.", f"{HEAD}    return 2\n"),
        ("```\ndef root(x):\n  return 3\n```", f"{HEAD}\ndef root(x):\n  return 3\n"),
        ("```py\ndef roots(x):\n  return 3", f"{HEAD}    def roots(x):\n  return 3\n"),
    ],
)
def test_the_program_is_the_head_and_the_answer(text: str, program: str) -> None:
    assert program_of(HEAD, "root", text) == program


@runs
@pytest.mark.slow
@pytest.mark.network
def test_all_right_programs_of_human_eval_pass_and_others_fail(tmp_path: Path) -> None:
    ref = CatalogRef(catalog="human-eval")
    data = open_dataset(ref, name="rows", base=tmp_path, store=Store(tmp_path), reporter=Silent())
    rows = data.split("test")
    assert len(rows) == 164
    right = {str(row.fields["prompt"]): str(row.fields["canonical_solution"]) for row in rows}
    ran = ask(task(True), [data], writer(right))
    assert [figure(ran, name) for name in ("pass_rate", "parse_rate")] == [1.0, 1.0]
    wrong = ask(task(True), [data], writer(dict.fromkeys(right, "    return None")))
    assert [figure(wrong, name) for name in ("pass_rate", "parse_rate")] == [0.0, 1.0]
