"""A path or a name → a validated suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.diagnostics import Problems
from harness.core.digests import digest
from harness.core.errors import SuiteError, Where, unknown
from harness.gates.parse_rules import collect_gates
from harness.schema.renames import SUITES
from harness.suite import bundled
from harness.suite.checkpoint_series import Folders, last_steps, with_series
from harness.suite.checks.choice_checks import check_choice
from harness.suite.checks.gate_checks import check_gates
from harness.suite.checks.metric_checks import EvaluationMetrics, check_metrics
from harness.suite.checks.reference_checks import check_references
from harness.suite.deprecated_words import with_current_words
from harness.suite.implied_baselines import implied_baselines
from harness.suite.old_names import check_names
from harness.suite.sections import SECTIONS, named, read_sections
from harness.suite.stored_baseline import with_stored_baseline
from harness.suite.suite import Suite, contenders, suite_digest, without_judges
from harness.suite.yaml.located_document import Document, decode, parse, read_bytes


def load_suite(path_or_name: str) -> Suite:
    """Reads a suite by path, else by the name of a ready one.

    Raises:
        SuiteError: no such file or name; or the suite is wrong: then with every fault at once.
    """
    path = find_suite(path_or_name)
    return parse_suite(decode(read_bytes(path), path), path)


def find_suite(path_or_name: str) -> Path:
    """The file of a suite.

    Raises:
        SuiteError: when there is neither a file nor a ready suite of that name.
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


def parse_suite(text: str, path: Path) -> Suite:
    """Validates the text of a suite; `path` is where it stands (data is relative to it).

    Raises:
        SuiteError: with every fault, each with file, line and column.
    """
    document = parse(text, path)
    return build_suite(document, document.value, Problems(document.where))


def build_suite(
    document: Document,
    value: Mapping[str, Any],
    problems: Problems,
    *,
    keys: Sequence[str] = SECTIONS,
    judged: Callable[[EvaluationMetrics], EvaluationMetrics] | None = None,
    checkpoints: Folders | None = None,
) -> Suite:
    """Validates the content of a suite.

    Args:
        value: the document's content, without sections that the caller reads itself.
        problems: the faults so far; all are raised together.
        keys: the keys that a suite may have, for messages.
        judged: an evaluation's metrics → those that its gates may name; the same ones when left out.
        checkpoints: those of the series of a stored run; looked for when left out.

    Raises:
        SuiteError: with every fault, each with file, line and column.
    """
    check_names(document, problems)
    problems.raise_any()
    value, deprecated = with_current_words(value, problems)
    value, series = with_series(value, Path(document.file).absolute().parent, problems, checkpoints)
    value = with_stored_baseline(value, problems)
    sections = read_sections(value, problems, keys)
    check_references(sections, value, problems)
    metrics = {
        name: check_metrics(spec, problems.below(f"{spec.role}s", name)) for name, spec in sections.evaluations.items()
    }
    if judged is not None:
        metrics = {name: judged(own) for name, own in metrics.items()}
    below = problems.below("gates")
    gates = collect_gates(value.get("gates"), below)
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
    check_gates(gates, value.get("gates"), metrics, models, evaluations, release, below)
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
        document=document,
        value=value,
    )
