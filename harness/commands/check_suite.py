"""`harness validate` beyond the suite file: opens the data and looks at the checkpoints that are on this machine.

Every fault is found before any is told: in the data, in the items that the evaluations make of them (columns, labels,
tags, prompts), in the folders of models, in what a released model cannot be asked though a gate wants it, and in
lengths that a network does not have. Nothing is fetched, and no network is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.dataset import Dataset
from harness.core.errors import CheckpointError, HarnessError, Problems, SuiteError, Where
from harness.core.evaluation import Evaluation
from harness.core.model import ModelFacts
from harness.core.model_kind import ModelSpec
from harness.core.reporter import Reporter
from harness.evaluations.prompts.label_prompt import CLOZE
from harness.evaluations.tasks.classification import ClassificationOptions
from harness.pipeline.checkpoints.named_checkpoints import Ability, ability_of, folder_at_hand, labels_without_token
from harness.pipeline.prepared_suite import bind_each, references
from harness.schema.suite.data_refs import DataRef
from harness.storage.store import Store
from harness.suite.load_suite import find_suite
from harness.suite.sections import SECTIONS, read_sections
from harness.suite.yaml.located_document import decode, parse, read_bytes

if TYPE_CHECKING:
    from harness.suite.suite import Suite

_LENGTHS = ("max_length", "sequence_length")
_POSITIONS = ("max_position_embeddings", "n_positions")
_MOST = 50


@dataclass
class Checked:
    """What was found.

    Attributes:
        faults: in the order of the suite.
        unread: data and models that are not on this machine, so that nothing was checked of them.
        items: evaluation → how many items its data make.
    """

    faults: list[HarnessError] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    items: dict[str, int] = field(default_factory=dict)

    def raise_faults(self, suite: Suite) -> None:
        """Raises one error for all faults.

        Raises:
            SuiteError: when there is a fault.
        """
        if not self.faults:
            return
        if len(self.faults) == 1:
            raise self.faults[0]
        notes = [str(fault).replace("\n", " ") for fault in self.faults[:_MOST]]
        more = [f"… and {len(self.faults) - _MOST} more"] if len(self.faults) > _MOST else []
        raise SuiteError(
            f"{len(self.faults)} faults in what the suite names.",
            where=suite.where(),
            notes=[*notes, *more],
            hint="correct them, then validate again.",
        )


def check_suite(suite: Suite, store: Store, reporter: Reporter) -> Checked:
    """Checks a suite against the data and the models that are on this machine."""
    checked = Checked()
    datasets = _data(references(suite), suite.folder, store, reporter, checked)
    abilities = _models(suite.models, suite.folder, suite.where, store, checked)
    evaluations = _evaluations(suite, datasets, checked)
    _questions(suite, evaluations, abilities, checked)
    _cloze_words(suite, evaluations, abilities, checked)
    _lengths(suite, checked)
    return checked


def check_beside(path_or_name: str, error: SuiteError, store: Store, reporter: Reporter) -> SuiteError:
    """Adds to the faults of a suite file those of the data and the folders that its sound lines name.

    Args:
        error: what is wrong in the file.

    Returns:
        one error for all faults.
    """
    try:
        path = find_suite(path_or_name)
        document = parse(decode(read_bytes(path), path), path)
        sections = read_sections(document.value, Problems(document.where), [*SECTIONS, *document.value])
    except (HarnessError, TypeError):
        return error  # no suite, or none that can be read in part
    checked = Checked()
    folder = path.absolute().parent
    _data(sections.data, folder, store, reporter, checked)
    _models(sections.models, folder, document.where, store, checked)
    notes = [str(fault).replace("\n", " ") for fault in checked.faults[:_MOST]]
    return SuiteError(error.message, where=error.where, notes=[*error.notes, *notes], hint=error.hint)


def _data(
    refs: Mapping[str, DataRef], folder: Path, store: Store, reporter: Reporter, checked: Checked
) -> dict[str, Dataset]:
    from harness.data.fetch_preview import preview
    from harness.data.open_dataset import open_dataset

    opened: dict[str, Dataset] = {}
    for name, ref in refs.items():
        try:
            if not preview(ref, name=name, base=folder, store=store).cached:
                checked.unread.append(f"data {name} (not fetched yet)")
                continue
            opened[name] = open_dataset(ref, name=name, base=folder, store=store, reporter=reporter)
        except HarnessError as error:
            checked.faults.append(error)
    return opened


def _models(
    models: Mapping[str, ModelSpec], base: Path, where: Callable[..., Where], store: Store, checked: Checked
) -> dict[str, Ability]:
    """What the checkpoints that are on this machine can be asked."""
    abilities: dict[str, Ability] = {}
    for name, spec in models.items():
        existing = spec.kind.existing(spec.options)
        if existing is None:
            continue
        try:
            folder = folder_at_hand(existing.place, base, store)
            if folder is None:
                checked.unread.append(f"model {name} ({existing.place})")
            elif not folder.is_file():
                abilities[name] = _ability(folder, existing.adapter, base)
        except HarnessError as error:
            if error.where is None:
                error.where = where("models", name)
            checked.faults.append(error)
    return abilities


def _ability(folder: Path, adapter: str | None, base: Path) -> Ability:
    whole = ability_of(str(folder.absolute()), None)
    if adapter is None:
        return whole
    place = base / Path(adapter).expanduser()
    return ability_of(str(place.absolute()), None, whole) if place.exists() else whole


def _evaluations(suite: Suite, datasets: dict[str, Dataset], checked: Checked) -> dict[str, Evaluation]:
    """Every evaluation whose data are here, with its items made once."""
    bound: dict[str, Evaluation] = {}
    for spec, made in bind_each(suite, datasets):
        if isinstance(made, HarnessError):
            checked.faults.append(made)
            continue
        try:
            items = made.evaluation.items(made.data, made.split)
            checked.items[spec.name] = sum(1 for _ in items)
            bound[spec.name] = made.evaluation
        except HarnessError as error:
            if error.where is None:
                error.where = suite.where("tasks" if spec.role == "task" else "probes", spec.name)
            checked.faults.append(error)
            continue
        if not checked.items[spec.name]:
            checked.faults.append(
                SuiteError(
                    f"{spec.role} {spec.name!r} has no items in the {made.split} split.",
                    where=suite.where("tasks" if spec.role == "task" else "probes", spec.name),
                    hint="check the data's `splits`, or the evaluation's `split`.",
                )
            )
    return bound


def _questions(
    suite: Suite, evaluations: dict[str, Evaluation], abilities: dict[str, Ability], checked: Checked
) -> None:
    """Released models that a blocking gate judges by a question that they cannot be asked."""
    judged = {rule.evaluation for rule in suite.gates.leaves if rule.severity != "warn"}
    for model in suite.release:
        ability = abilities.get(model)
        spec = suite.models[model]
        existing = spec.kind.existing(spec.options)
        if ability is None or (existing is not None and existing.labels is not None):
            continue
        facts = _facts(ability)
        for name, evaluation in evaluations.items():
            if name not in judged or not suite.asks(model, name) or evaluation.kind not in _BY_HEAD:
                continue
            if evaluation.protocol(facts) is None:
                checked.faults.append(
                    CheckpointError(
                        f"a gate judges {model} on {name}, which that model cannot answer: "
                        f"{evaluation.unsupported(facts)}.",
                        where=suite.where("models", model),
                    )
                )


_BY_HEAD = ("classification", "token_classification")
"""Tasks whose question follows from the names of a head; others need more than a look at the folder."""


def _facts(ability: Ability) -> ModelFacts:
    language_model: Any = ability.family if ability.language_model else None
    return ModelFacts("", ability.family, language_model, ability.labels, tag_labels=ability.tags)


def _cloze_words(
    suite: Suite, evaluations: dict[str, Evaluation], abilities: dict[str, Ability], checked: Checked
) -> None:
    """Labels whose words a masked model, which fills the gap with one token, cannot give as an answer."""
    for name, evaluation in evaluations.items():
        cloze = evaluation.options.cloze if isinstance(evaluation.options, ClassificationOptions) else None
        if cloze is None:
            continue
        prompt = cloze.template.replace("{text}", "a").replace("{pair}", "a")
        for model, ability in abilities.items():
            asked = ability.family == "masked" and ability.language_model and suite.asks(model, name)
            spec = suite.models[model]
            existing = spec.kind.existing(spec.options)
            if not asked or existing is None or evaluation.protocol(_facts(ability)) != CLOZE:
                continue
            folder = suite.folder / Path(existing.place).expanduser()
            lost = labels_without_token(folder, prompt, cloze.words)
            if lost:
                checked.faults.append(
                    SuiteError(
                        f"no word of {', '.join(map(repr, lost))} is a single token of {model}, as filling the gap "
                        "requires.",
                        where=suite.where("tasks", name),
                        hint="name shorter or more common words for the label under `cloze`.",
                    )
                )


def _lengths(suite: Suite, checked: Checked) -> None:
    """Rows that are to be longer than the network has positions for."""
    for name, spec in suite.models.items():
        options: Any = spec.options
        most = _positions(suite, name)
        for key in _LENGTHS:
            wanted = getattr(options, key, None)
            if most is not None and isinstance(wanted, int) and wanted > most:
                checked.faults.append(
                    SuiteError(
                        f"expected at most {most}, the positions that the network has, found {key}: {wanted}.",
                        where=suite.where("models", name),
                        hint=f"set `{key}: {most}` or less.",
                    )
                )


def _positions(suite: Suite, name: str) -> int | None:
    current: str | None = name
    while current is not None:
        spec = suite.models[current]
        configuration = spec.kind.configuration(spec.options, suite.folder)
        if configuration is not None:
            known = [configuration[key] for key in _POSITIONS if isinstance(configuration.get(key), int)]
            return known[0] if known else None
        current = spec.parent
    return None
