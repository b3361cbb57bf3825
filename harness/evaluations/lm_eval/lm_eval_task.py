"""A task of lm-evaluation-harness, by its own YAML file: the same prompts, the same examples, our likelihoods."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from harness.core.dataset import Dataset
from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import Evaluation, EvaluationContext, Item, ItemMeasure
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import (
    Continuations,
    Generate,
    Messages,
    Request,
    Response,
    RollingLikelihood,
)
from harness.evaluations.chat_options import NO_CHAT_LIKELIHOODS
from harness.evaluations.generation_base import refuse_decoding
from harness.evaluations.item_measures import BITS_PER_BYTE, MARGIN_OF_CORRECT
from harness.evaluations.lm_eval.chat_settings import CHAT_FIELDS, LmEvalChatOptions
from harness.evaluations.lm_eval.filters import pipeline
from harness.evaluations.lm_eval.generation_settings import generation_settings
from harness.evaluations.lm_eval.prompt_templates import Doc, Prompts
from harness.evaluations.lm_eval.task_metrics import metrics_of
from harness.evaluations.lm_eval.task_records import TaskRecords
from harness.evaluations.subsample import choose
from harness.metrics.build_metrics import factory
from harness.metrics.capability.bleu_chrf_ter import NAMES as CORPUS
from harness.metrics.capability.f1 import BinaryF1
from harness.metrics.capability.rouge import NAMES as ROUGE
from harness.metrics.logged_figure import LOGGED
from harness.schema.suite.data_refs import SourceRef

CONTINUATIONS, ROLLING, GENERATION = "continuations", "rolling_likelihood", "generation"
PROTOCOLS = {
    "multiple_choice": CONTINUATIONS,
    "loglikelihood": CONTINUATIONS,
    "loglikelihood_rolling": ROLLING,
    "generate_until": GENERATION,
}
"""lm-eval's output type → how a model is asked."""

_MOST_TARGET_TOKENS = 64


class LmEvalTaskOptions(LmEvalChatOptions):
    """The YAML of a task that lm-evaluation-harness describes."""

    file: str | None = Field(None, description="The lm-eval task file, relative to the suite file.")
    task: dict[str, Any] = Field(default_factory=dict, description="The same keys, inline.")
    num_fewshot: int | None = Field(
        None, ge=0, le=100, description="Number of few-shot examples. Defaults to the file's value."
    )
    filter: str | None = Field(None, description="Filter of the task. Defaults to the first.")
    revision: str | None = Field(None, description="Commit hash of the task's hub dataset.")
    folder: str = Field("", description="Folder of the task's data files. Defaults to the folder of `file`.")

    @property
    def decoding(self) -> tuple[str, ...]:
        if str(self.task.get("output_type")) != "generate_until":
            return ()
        return tuple(Generate(**generation_settings(self.task)).decoding())


class LmEvalTask(Evaluation):
    """Asks what lm-eval asks; see docs/lm-eval.md for what differs."""

    Options = LmEvalTaskOptions
    role: ClassVar[Literal["task", "probe"]] = "task"
    kind: ClassVar[str] = "lm_eval"
    summary: ClassVar[str] = "An lm-evaluation-harness task, read from its own YAML file."
    cluster_unit: ClassVar[str] = "parent"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (
        MARGIN_OF_CORRECT,
        BITS_PER_BYTE,
    )
    provides: ClassVar[tuple[str, ...]] = (
        *("acc", "acc_norm_chars", "acc_norm_bytes", "acc_mutual_info", "correct", "target", "prediction"),
        *("nll", "tokens", "bytes", "words", "nll_target", "targets", "greedy_match", "exact_match_strict"),
        *(f"{name}.0" for name in CORPUS),
        *(*ROUGE, "squad_f1", "squad_exact_match"),
        *("brier", *BinaryF1.needs, LOGGED),
    )
    options: LmEvalTaskOptions
    default_metrics: tuple[str, ...] = ("acc",)

    def __init__(self, name: str, options: LmEvalTaskOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        if any(LOGGED in factory(metric).needs for metric in options.metrics or ()):
            raise SuiteError(
                f"{name!r}: as_{LOGGED}[…] is a figure of an imported log; a run computes its own.",
                hint="remove it from `metrics`, or judge the imported run with `harness gate RUN --suite SUITE`.",
            )
        self.task = options.task
        self.type = str(self.task.get("output_type"))
        self._generation = generation_settings(self.task)
        asked = self.task.get("num_fewshot") if options.num_fewshot is None else options.num_fewshot
        self._prompts = Prompts(self.task, int(asked or 0))
        self._later = options.model_dump(include=CHAT_FIELDS, exclude_defaults=True)
        self._exact = next(
            (dict(metric) for metric in self.task.get("metric_list") or () if metric.get("metric") == "exact_match"), {}
        )
        kept = pipeline(self.task, options.filter)
        self._records = TaskRecords(
            tuple(options.metrics or ()), lambda written: kept(options.answer(written)), self._exact
        )

    @classmethod
    def prepared(cls, given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """The options with the task file read, and its metrics under our names where none are given.

        Raises:
            SuiteError: for a file that cannot be used, and for metrics that are not computed here.
        """
        from harness.evaluations.lm_eval.task_file import checked, read_task

        task = dict(given)
        if isinstance(task.get("file"), str) == isinstance(task.get("task"), dict):
            raise SuiteError("set `file` to an lm-eval task file, or `task` to the same keys inline.")
        if isinstance(task.get("file"), str):
            path = folder / Path(task["file"]).expanduser()
            task["task"] = read_task(path)
            task["folder"] = str(path.parent.absolute())
        else:
            task["task"] = checked(task["task"], None)
        task["task"] = json.loads(json.dumps(task["task"], default=str))
        if task.get("metrics") is None:
            task["metrics"] = metrics_of(task["task"])
        return task

    @classmethod
    def data_names(cls, options: LmEvalTaskOptions) -> tuple[SourceRef, ...]:
        task = options.task
        asked = task.get("test_split") or task.get("validation_split")
        pool = _pool(task)
        splits = {"test": asked} if pool in (asked, None) else {"test": asked, "train": pool}
        source = {
            "path": task.get("dataset_path"),
            "name": task.get("dataset_name"),
            "kwargs": task.get("dataset_kwargs"),
            "splits": splits,
            "folder": options.folder,
            "revision": options.revision,
        }
        return (SourceRef(source="lm_eval", options=source),)

    @property
    def caveats(self) -> tuple[str, ...]:
        """Where the prompts or answers are not those of lm-eval, though the file is carried out."""
        sentences = []
        if self._prompts.shots and self._prompts.indices:
            sentences.append(
                "Examples are drawn from the documents of `fewshot_indices`; lm-eval 0.4.13 ignores that key, so its "
                "prompts differ."
            )
        if self.type == "generate_until" and self._generation["temperature"] > 0:
            sentences.append("Answers are sampled: harness draws by its own seed, so the texts are not lm-eval's.")
        return tuple(sentences)

    def spec(self) -> Mapping[str, Any]:
        """The task but for where its data is (the data's fingerprint says what it holds)."""
        task = {key: value for key, value in self.task.items() if key not in ("dataset_kwargs", "metric_list")}
        options = {
            "shots": self._prompts.shots,
            "filter": self.options.filter,
            "limit": self.options.limit,
            **self._later,
        }
        return {"kind": self.kind, "format": 2, "task": task, "exact": self._exact, **options}

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The documents in their order, with the examples that lm-eval draws for each.

        Raises:
            DataError: for templates that do not fit the documents.
        """
        (dataset,) = data
        rows = dataset.split("test")
        docs: list[Doc] = [json.loads(row.fields["doc"]) for row in rows]
        separate = dataset.rows.get("train", ())
        pool: Sequence[Doc] = [json.loads(row.fields["doc"]) for row in separate] or docs
        samples = self._prompts.samples
        drawn = self._prompts.drawn(docs, pool if samples is None else samples, same=samples is None and not separate)
        made = (
            self._item(row.id, row.cluster, doc, examples) for row, doc, examples in zip(rows, docs, drawn, strict=True)
        )
        yield from choose(made, self.options.limit, self.cluster_unit)

    def _item(self, identity: str, cluster: str, doc: Doc, examples: Sequence[Doc]) -> Item:
        prompts = self._prompts
        target = prompts.target(doc)
        clusters = {"parent": cluster}
        if self.type == "loglikelihood_rolling":
            text = _text(target)
            return Item(identity, {"text": text}, {"text": text}, clusters=clusters)
        question = prompts.text(doc)
        if self.type != "multiple_choice":
            choices = prompts.choices(doc) if prompts.has_choices else []
            golds = [choices[target]] if choices and isinstance(target, int) else _golds(target)
            payload: dict[str, Any] = {"context": self._context(examples, doc, str(question)), "golds": golds}
            return Item(identity, payload, {"text": str(question), "target": golds[0]}, golds[0], clusters)
        choices = prompts.choices(doc)
        if isinstance(question, int):
            # The choices are the questions, and one continuation follows each (Winogrande).
            contexts, right = [self._context(examples, doc, choice) for choice in choices], [question]
            payload = {"contexts": contexts, "continuation": self._delimiter + _text(target)}
        else:
            right = _right(target, choices)
            payload = {"context": self._context(examples, doc, question), "delimiter": self._delimiter}
        if not right or not all(0 <= place < len(choices) for place in right):
            raise DataError(f"the correct answer {target!r} is not one of the {len(choices)} choices.")
        shown = choices[question] if isinstance(question, int) else question
        texts = {"text": shown, "choices": "\n".join(choices)}
        return Item(identity, {**payload, "choices": choices, "right": right}, texts, choices[right[0]], clusters)

    def _context(self, examples: Sequence[Doc], doc: Doc, question: str) -> str | list[list[str]]:
        """What goes before an answer: a text, or the messages of a conversation."""
        options = self.options
        if not options.chat:
            return self._prompts.header(examples, doc, options.system or "") + question
        return self._prompts.messages(examples, doc, question, system=options.system or "", multiturn=options.multiturn)

    @property
    def _delimiter(self) -> str:
        """What stands before a choice; lm-eval has nothing there behind a chat template."""
        return "" if self.options.chat else self._prompts.delimiter()

    def protocol(self, facts: ModelFacts) -> str | None:
        refuse_decoding(self.name, self.options.decoding, facts)
        if self.options.chat:
            return self._chat_protocol(facts)
        wanted = PROTOCOLS.get(self.type, GENERATION)
        if facts.language_model == "causal":
            return wanted
        kind = {CONTINUATIONS: Continuations.kind, GENERATION: Generate.kind}.get(wanted)
        return wanted if kind in facts.supports else None

    def _chat_protocol(self, facts: ModelFacts) -> str | None:
        wanted = Generate.kind if self.type == "generate_until" else Continuations.kind
        reads = facts.language_model in ("causal", None)
        return (
            f"chat_{PROTOCOLS.get(self.type, GENERATION)}"
            if facts.chat and reads and wanted in facts.supports and self._answers_in_chat(facts)
            else None
        )

    def _answers_in_chat(self, facts: ModelFacts) -> bool:
        return self.type == "generate_until" or facts.chat_likelihoods

    def unsupported(self, facts: ModelFacts) -> str:
        if self.options.chat and facts.chat and not self._answers_in_chat(facts):
            return NO_CHAT_LIKELIHOODS
        if self.options.chat and not facts.chat:
            return "it has no chat template, and the task requires one (`chat: true`)"
        return read_from_left(self.type, facts)

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        payload = item.payload
        if self.type == "loglikelihood_rolling":
            return [RollingLikelihood(payload["text"])]
        if self.type == "generate_until":
            return [self._written(payload["context"], **self._generation)]
        if self.type == "loglikelihood":
            target = payload["golds"][0]
            likely = self._likely(payload["context"], (target,))
            wanted = "acc" in {metric.get("metric") for metric in self.task.get("metric_list") or ()}
            return [likely, self._written(payload["context"], max_tokens=target_tokens(target))] if wanted else [likely]
        if "contexts" in payload:
            return [self._likely(context, (payload["continuation"],)) for context in payload["contexts"]]
        options = tuple(payload["delimiter"] + choice for choice in payload["choices"])
        alone = [Continuations("", options)] if "acc_mutual_info" in (self.options.metrics or ()) else []
        return [self._likely(payload["context"], options), *alone]

    def _likely(self, context: str | Sequence[Sequence[str]], options: tuple[str, ...]) -> Continuations:
        if isinstance(context, str):
            return Continuations(context, options)
        return Continuations("", options, messages=_turns(context), form=self.options.form)

    def _written(self, context: str | Sequence[Sequence[str]], **settings: Any) -> Generate:
        if isinstance(context, str):
            return Generate(context, **settings)
        return Generate(messages=_turns(context), form=self.options.form, **settings)

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        return self._records.record(self.type, item, responses)


def read_from_left(output_type: str, facts: ModelFacts) -> str:
    """Why a model is not asked a task of an output type."""
    return f"lm-eval's {output_type} tasks are for models that read from the left (it is of the kind {facts.family})"


def target_tokens(target: str) -> int:
    """How many tokens are generated to see whether greedy decoding gives a target."""
    return min(_MOST_TARGET_TOKENS, max(1, len(target.encode("utf-8", "surrogatepass"))))


def _pool(task: Mapping[str, Any]) -> str | None:
    """The split that examples come from, by lm-eval's rule; None where the file holds them itself."""
    given = dict(task.get("fewshot_config") or {})
    for name in (given.get("split"), task.get("fewshot_split")):
        if name:
            return str(name)
    if given.get("samples") is not None:
        return None
    if task.get("training_split"):
        return str(task["training_split"])
    split = task.get("validation_split") or task.get("test_split")
    return None if split is None else str(split)


def _turns(messages: Sequence[Sequence[str]]) -> Messages:
    return tuple(map(tuple, messages))


def _text(target: Any) -> str:
    return target if isinstance(target, str) else str(target)


def _golds(target: Any) -> list[str]:
    golds = [_text(gold) for gold in target] if isinstance(target, list) else [_text(target)]
    if not golds:
        raise DataError("`doc_to_target` returns an empty list, expected a text.")
    return golds


def _right(target: Any, choices: Sequence[str]) -> list[int]:
    if isinstance(target, str):
        return [choices.index(target)] if target in choices else []
    listed = target if isinstance(target, list) else [target]
    return [int(place) for place in listed if isinstance(place, int) and not isinstance(place, bool)]
