"""A path or a name → a validated suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.digests import digest
from harness.core.errors import Problems, SuiteError, Where, unknown
from harness.gates.parse_rules import collect_gates
from harness.schema.renames import SUITES
from harness.schema.suite.gate_rules import GateSet
from harness.suite import bundled
from harness.suite.baselines import implied_baselines, with_stored_baseline
from harness.suite.checkpoint_series import Folders, last_steps, with_series
from harness.suite.checks.choice_checks import check_choice
from harness.suite.checks.gate_checks import GateNames, check_gates
from harness.suite.checks.metric_checks import EvaluationMetrics, check_metrics
from harness.suite.checks.policy_checks import check_content, check_waivers, hold_gates, policy_rules, today
from harness.suite.checks.reference_checks import check_references
from harness.suite.deprecated_words import with_current_words
from harness.suite.old_names import check_names
from harness.suite.policies_in_force import commanded, policies_of
from harness.suite.policy import GATES, Policy, PolicyText
from harness.suite.sections import SECTIONS, named, read_sections
from harness.suite.suite import Suite, contenders, suite_digest, without_judges
from harness.suite.yaml.located_document import Document, decode, parse, read_bytes


def load_suite(path_or_name: str, policies: Sequence[PolicyText] | None = None) -> Suite:
    """Reads a suite by path, else by the name of a ready one.

    Args:
        policies: as in `build_suite`.

    Raises:
        SuiteError: no such file or name; or the suite is wrong: then with every fault at once.
    """
    path = find_suite(path_or_name)
    return parse_suite(decode(read_bytes(path), path), path, policies)


def find_suite(path_or_name: str) -> Path:
    """The file of a suite.

    Raises:
        SuiteError: when there is neither a file nor a bundled suite of that name.
    """
    path = Path(path_or_name).expanduser()
    if path.is_file():
        return path
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1 or path.is_dir():
        what = "found a folder" if path.is_dir() else "no such file"
        raise SuiteError(
            f"expected a suite file, {what}.",
            where=Where(path),
            hint="run `harness list suites` to see the bundled suites.",
        )
    ready = bundled.suites()
    if path_or_name not in ready and path_or_name in SUITES:
        raise SuiteError(f"the suite {path_or_name!r} is called {SUITES[path_or_name]!r} now.")
    if path_or_name not in ready:
        raise SuiteError(
            unknown("suite", path_or_name, ready), hint="pass the path of a YAML file, or the name of a bundled suite."
        )
    return ready[path_or_name]


def parse_suite(text: str, path: Path, policies: Sequence[PolicyText] | None = None) -> Suite:
    """Validates the text of a suite; `path` is where it stands (data is relative to it).

    Args:
        policies: as in `build_suite`.

    Raises:
        SuiteError: with every fault, each with file, line and column.
    """
    document = parse(text, path)
    return build_suite(document, document.value, Problems(document.where), policies=policies)


def build_suite(
    document: Document,
    value: Mapping[str, Any],
    problems: Problems,
    *,
    keys: Sequence[str] = SECTIONS,
    judged: Callable[[EvaluationMetrics], EvaluationMetrics] | None = None,
    checkpoints: Folders | None = None,
    policies: Sequence[PolicyText] | None = None,
) -> Suite:
    """Validates the content of a suite.

    Args:
        value: the document's content, without sections that the caller reads itself.
        problems: the faults so far; all are raised together.
        keys: the keys that a suite may have, for messages.
        judged: an evaluation's metrics → those that its gates may name; the same ones when left out.
        checkpoints: those of the series of a stored run; looked for when left out.
        policies: those that hold the suite beside its own; the ones that the command is given when left out.

    Raises:
        SuiteError: with every fault, each with file, line and column.
    """
    check_names(document, problems)
    problems.raise_any()
    value, deprecated = with_current_words(value, problems)
    value, series = with_series(value, Path(document.file).absolute().parent, problems, checkpoints)
    value = with_stored_baseline(value, problems)
    sections = read_sections(value, problems, keys)
    further = commanded() if policies is None else policies
    held_by = policies_of(value, Path(document.file).parent, problems, further)
    check_references(sections, value, problems)
    metrics = {
        name: check_metrics(spec, problems.below(f"{spec.role}s", name)) for name, spec in sections.evaluations.items()
    }
    if judged is not None:
        metrics = {name: judged(own) for name, own in metrics.items()}
    declared = named(value, "models")
    implied = implied_baselines(sections.models, sections.tasks) if judged is None else {}
    models = (*declared, *implied)
    evaluations = (*named(value, "tasks"), *named(value, "probes"))
    asked = without_judges(sections.compare, declared, sections.evaluations.values())
    candidates, release = contenders(sections.compare, asked)
    if sections.compare is not None and sections.compare.choose is not None:
        check_choice(sections.compare.choose, candidates, metrics, problems.below("compare", "choose"))
    elif sections.compare is not None and sections.compare.release is None:
        release = last_steps(release, series)
    named_by = GateNames(metrics, models, evaluations, release)
    gates = _held_gates(value.get("gates"), held_by, named_by, problems)
    check_content(sections, value, held_by, problems)
    problems.raise_any()
    assert sections.compare is not None
    return Suite(
        name=sections.name,
        title=sections.title,
        description=sections.description,
        seed=sections.seed,
        data=sections.data,
        models={**sections.models, **{name: spec for name, (_, spec) in implied.items()}},
        compare=sections.compare,
        tasks=sections.tasks,
        probes=sections.probes,
        gates=gates,
        text=document.text,
        path=Path(document.file),
        digest=suite_digest(value),
        gates_digest=digest(value.get("gates")),
        candidates=candidates,
        release=release,
        evaluated=evaluations,
        contenders=(*asked, *implied),
        implied={name: task for name, (task, _) in implied.items()},
        series=series,
        texts=sections.texts,
        deprecated=deprecated,
        policies=tuple(held_by),
        document=document,
        value=value,
    )


def _held_gates(raw: Any, policies: Sequence[Policy], names: GateNames, problems: Problems) -> GateSet:
    """The suite's gates with those of its policies; faults in either are noted where they stand."""
    below = problems.below("gates")
    rules = policy_rules(policies, problems)
    own = collect_gates(raw, below, {name: rule.raw for name, rule in rules.items()})
    check_gates(own, raw, names, below)
    written = {rule.id for rule in own.rules}
    for policy in policies:
        theirs = [rule.rule for name, rule in rules.items() if rule.policy is policy and name not in written]
        before = len(problems)
        places = problems.elsewhere(policy.document.where, GATES)
        check_gates(GateSet(rules=tuple(theirs)), policy.document.value.get(GATES), names, places)
        if len(problems) > before:
            problems.add(f"the policy {policy.name} has gates on what this suite does not have; add it to the suite.")
    check_waivers(own, policies, below, today())
    return hold_gates(own, rules, policies, below)
