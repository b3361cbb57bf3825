"""promptfoo's configuration: assertions of tests, and the share of tests that must pass.

`promptfoo eval` fails when a test fails, or when the share of passed tests is below PROMPTFOO_PASS_RATE_THRESHOLD. A
test passes when all of its assertions do, or when their weighted score reaches the test's `threshold`. `harness import
promptfoo` brings both along: which tests passed, and which assertions of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.commands.foreign_gates.migrated_gates import POINT, CarriedGate, LeftGate, MigratedGates, gate_id
from harness.core.errors import Key, SuiteError
from harness.importers.imported_log import PASSED, verdict_figure
from harness.metrics.logged_figure import figure_name, logged_metric
from harness.suite.yaml.located_document import Document

TOOL = "promptfoo"
_KEYS = frozenset({"prompts", "providers", "targets", "tests", "defaultTest", "scenarios", "assertionTemplates"})
_RATE = "PROMPTFOO_PASS_RATE_THRESHOLD"
_ACROSS = {
    "select-best": "it compares the outputs of several providers with each other; compare models with a `superiority` "
    "gate.",
    "max-score": "it compares the outputs of several providers with each other; compare models with a `superiority` "
    "gate.",
    "human": "a person gives the verdict in promptfoo's viewer.",
}
_APPLIED = (
    "thresholds and weights of assertions are in the log's verdicts: they were applied to each answer, and no gate on "
    "a mean says the same."
)
_RELEASED = (
    "promptfoo holds all providers to this together; here gates judge the released model, which is the second one of "
    "an imported run."
)
_REFERENCE = "#/assertionTemplates/"


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion as it is asked.

    Attributes:
        path: of its keys in the file.
        within: why it decides nothing by itself; empty where it does.
    """

    content: Mapping[str, Any]
    path: tuple[Key, ...]
    within: str = ""

    @property
    def kind(self) -> str:
        return str(self.content.get("type"))

    @property
    def name(self) -> str:
        """What the log calls it: by its `metric`, else by its type."""
        return str(self.content.get("metric") or self.kind)

    @property
    def told(self) -> str:
        threshold = self.content.get("threshold")
        metric = f" (metric {self.content['metric']})" if self.content.get("metric") else ""
        return f"{self.kind}{metric}" + (f", threshold {threshold}" if threshold is not None else "")


def is_promptfoo_config(value: Any) -> bool:
    """Whether the content of a YAML file is such a configuration."""
    return (
        isinstance(value, dict)
        and len(_KEYS & set(value)) > 1
        and bool({"tests", "defaultTest", "scenarios"} & set(value))
    )


def read_promptfoo_config(document: Document) -> MigratedGates:
    """Its assertions as gates on runs of `harness import promptfoo`.

    Raises:
        SuiteError: for a threshold that is no number.
    """
    config = document.value
    evaluations, notes = _evaluations(config)
    default = config.get("defaultTest")
    tests = config.get("tests")
    carried, left = [], []
    share = _share(config)
    was = f"the share of tests that must pass ({_RATE}), {share:g}%" if share < 100 else "every test must pass"
    for evaluation in evaluations:
        rule = {**POINT, "id": gate_id(evaluation, PASSED), "metric": f"{evaluation}.{logged_metric(PASSED, 'higher')}"}
        carried.append(CarriedGate({**rule, "min": share / 100}, was))
    left += list(_unread(document, default, tests))
    asked = list(_asked(config, default, tests))
    names = _of_every_test(asked, default, tests)
    alone = len({entry.name for entry in asked}) == 1
    for name in dict.fromkeys(entry.name for entry in asked):
        entries = [entry for entry in asked if entry.name == name]
        first = entries[0]
        place = f"{first.told} ({document.where(*first.path)}" + (
            f" and {len(entries) - 1} more)" if len(entries) > 1 else ")"
        )
        why = next((reason for entry in entries if (reason := _reason(entry))), "")
        if not why and share < 100:
            why = f"a share of {share:g}% of the tests may fail, whichever assertion they fail by."
        if not why and name not in names:
            why = "it is asked in some tests only; which of them passed is part of the gate on all tests."
        if not why and alone:
            why = "it is all that the tests ask: the gate on all tests is the same."
        if why:
            left.append(LeftGate(place, why))
            continue
        metric = logged_metric(figure_name(verdict_figure(name)), "higher")
        carried += [
            CarriedGate({**POINT, "id": gate_id(evaluation, name), "metric": f"{evaluation}.{metric}"}, place)
            for evaluation in evaluations
        ]
    left += list(_settings(document))
    notes += [_APPLIED, _RELEASED]
    return MigratedGates(TOOL, Path(document.file), _unique(carried), left, notes, evaluations)


def _unique(carried: list[CarriedGate]) -> list[CarriedGate]:
    return list({entry.rule["id"]: entry for entry in carried}.values())


def _evaluations(config: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What an imported run calls its tasks, and what must be known of that."""
    prompts = config.get("prompts")
    many = len(prompts) if isinstance(prompts, list) else 1
    files = any("file://" in str(prompt) or "*" in str(prompt) for prompt in prompts or ()) if many == 1 else False
    notes = ["prompts come from a file: an imported run has a task for each, prompt-0, prompt-1, …"] if files else []
    return (["tests"] if many == 1 else [f"prompt-{index}" for index in range(many)]), notes


def _share(config: Mapping[str, Any]) -> float:
    env = config.get("env")
    given = env.get(_RATE) if isinstance(env, dict) else None
    try:
        return 100.0 if given is None else float(given)
    except ValueError as error:
        raise SuiteError(f"env.{_RATE}: expected a percentage, found {given!r}.") from error


def _unread(document: Document, default: Any, tests: Any) -> Iterator[LeftGate]:
    """Tests and scenarios that stand elsewhere."""
    why = "it is not read here; which tests passed is in the log, and in the gate on all tests."
    for key, part in (("defaultTest", default), ("tests", tests)):
        entries = part if isinstance(part, list) else [part]
        for place, entry in enumerate(entries):
            if isinstance(entry, str) or (isinstance(entry, dict) and "path" in entry and "vars" not in entry):
                keys = (key, place) if isinstance(part, list) else (key,)
                shown = entry if isinstance(entry, str) else entry["path"]
                yield LeftGate(f"{key} in {shown} ({document.where(*keys)})", why)
    if document.value.get("scenarios"):
        where = document.where("scenarios", key=True)
        yield LeftGate(f"scenarios ({where})", "which of their tests passed is part of the gate on all tests.")


def _asked(config: Mapping[str, Any], default: Any, tests: Any) -> Iterator[Assertion]:
    templates = config.get("assertionTemplates")
    known: Mapping[str, Any] = templates if isinstance(templates, dict) else {}
    above: Mapping[str, Any] = default if isinstance(default, dict) else {}
    inline = [
        (place, test) for place, test in enumerate(tests if isinstance(tests, list) else ()) if isinstance(test, dict)
    ]
    weighed = next((why for _, test in inline if (why := _decides(test, above))), "")
    yield from _of_test(above, ("defaultTest",), known, _decides(above, {}) or weighed)
    for place, test in inline:
        yield from _of_test(test, ("tests", place), known, _decides(test, above))


def _decides(test: Mapping[str, Any], above: Mapping[str, Any]) -> str:
    """Why single assertions of a test do not decide; empty where each does."""
    if test.get("threshold", above.get("threshold")) is not None:
        return "the test has a `threshold` on the score of all its assertions, so that one of them may fail."
    if test.get("assertScoringFunction", above.get("assertScoringFunction")):
        return "a scoring function of one's own decides from all assertions."
    return ""


def _of_test(
    test: Mapping[str, Any], path: tuple[Key, ...], templates: Mapping[str, Any], within: str
) -> Iterator[Assertion]:
    for place, entry in enumerate(test.get("assert") or ()):
        here = (*path, "assert", place)
        if not isinstance(entry, dict):
            continue
        reference = str(entry.get("$ref", ""))
        if reference.startswith(_REFERENCE):
            template = templates.get(reference.removeprefix(_REFERENCE))
            entry = template if isinstance(template, dict) else {"type": reference}
        if entry.get("type") != "assert-set":
            yield Assertion(entry, here, within)
            continue
        own = within or (
            "its assert-set has a `threshold`, so that one of them may fail." if "threshold" in entry else ""
        )
        yield from _of_test(entry, here, templates, own)


def _of_every_test(asked: list[Assertion], default: Any, tests: Any) -> set[str]:
    """Names of assertions that every test has, those of `defaultTest` among them."""
    inline = [test for test in tests if isinstance(test, dict)] if isinstance(tests, list) else []
    opted_out = any(
        isinstance(test.get("options"), dict) and test["options"].get("disableDefaultAsserts") for test in inline
    )
    common = set() if opted_out else {entry.name for entry in asked if entry.path[0] == "defaultTest"}
    by_test = [{entry.name for entry in asked if entry.path[:2] == ("tests", place)} for place in range(len(inline))]
    whole = isinstance(tests, list) and len(inline) == len(tests) and bool(by_test)
    return common | (set.intersection(*by_test) if whole else set())


def _reason(entry: Assertion) -> str:
    """Why an assertion has no gate of its own; empty where it has one."""
    kind = entry.kind.removeprefix("not-")
    if kind in _ACROSS:
        return _ACROSS[kind]
    if entry.content.get("weight") == 0:
        return "its weight is 0: promptfoo records it, and never fails a test by it."
    return entry.within


def _settings(document: Document) -> Iterator[LeftGate]:
    if document.value.get("derivedMetrics"):
        where = document.where("derivedMetrics", key=True)
        yield LeftGate(f"derivedMetrics ({where})", "promptfoo shows them, and never fails a run by them.")
    if document.value.get("redteam"):
        where = document.where("redteam", key=True)
        yield LeftGate(f"redteam ({where})", "its tests are made when it runs; import its results to gate them.")
