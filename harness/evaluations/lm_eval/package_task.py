"""A task of the installed lm-evaluation-harness: its code makes requests and scores answers; our engine asks."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from harness.core.dataset import Dataset
from harness.core.errors import SuiteError
from harness.core.evaluation import Evaluation, EvaluationContext, Item, ItemMeasure
from harness.core.model import ModelFacts
from harness.core.records import Record
from harness.core.requests import (
    DECODING,
    Continuations,
    Failure,
    Generate,
    Generated,
    Messages,
    Request,
    Response,
    RollingLikelihood,
)
from harness.data.sources.lm_eval_configs import code_digest, generation_kwargs
from harness.data.sources.lm_eval_index import leaf_tasks, place_of
from harness.data.sources.lm_eval_package import (
    LoadedTask,
    asked_task,
    load_tasks,
    messages_of,
)
from harness.evaluations.chat_options import NO_CHAT_LIKELIHOODS
from harness.evaluations.generation_base import refuse_decoding
from harness.evaluations.item_measures import BITS_PER_BYTE, MARGIN_OF_CORRECT
from harness.evaluations.lm_eval.chat_settings import CHAT_FIELDS, LmEvalChatOptions
from harness.evaluations.lm_eval.generation_settings import generation_settings
from harness.evaluations.lm_eval.lm_eval_task import (
    CONTINUATIONS,
    GENERATION,
    PROTOCOLS,
    ROLLING,
    read_from_left,
    target_tokens,
)
from harness.evaluations.lm_eval.package_figures import figures_of, figures_of_task, output_types
from harness.evaluations.lm_eval.package_scoring import needs_greedy, scored
from harness.evaluations.record_builders import failed, outcome, scores, truncated_tokens, whole_likelihood
from harness.evaluations.subsample import choose
from harness.metrics.capability.bleu_chrf_ter import NAMES as CORPUS
from harness.metrics.capability.f1 import BinaryF1
from harness.metrics.lm_eval_figure import SHARE, STATISTIC
from harness.schema.suite.data_refs import SourceRef

_KINDS = {CONTINUATIONS: Continuations.kind, ROLLING: RollingLikelihood.kind, GENERATION: Generate.kind}


class LmEvalPackageOptions(LmEvalChatOptions):
    """The YAML of a task of the installed lm-evaluation-harness."""

    task: str = Field(description="Name of a task, a group, or a tag of the installed lm-evaluation-harness.")
    num_fewshot: int | None = Field(
        None, ge=0, le=100, description="Number of few-shot examples. Defaults to the task's value."
    )
    filter: str | None = Field(None, description="Filter of the task. Defaults to the first.")
    documents: dict[str, str] = Field(
        default_factory=dict,
        description="Split of the task → file (JSON Lines, CSV, Parquet, text) in place of its data set; `{task}` "
        "stands for the task's name.",
    )
    revision: str | None = Field(None, description="Commit hash of the task's hub dataset.")
    cluster: str | None = Field(None, description="Column of the documents that says which of them belong together.")
    base: str = Field("", description="Folder of the suite, which `documents` are relative to.")

    @property
    def decoding(self) -> tuple[str, ...]:
        given = [generation_kwargs(leaf) for leaf in leaf_tasks(self.task)]
        fields = {name for kwargs in given if kwargs is not None for name in _settings(kwargs)}
        return tuple(sorted(fields & DECODING))


class LmEvalPackageTask(Evaluation):
    """Asks what the installed lm-evaluation-harness asks, and scores as it does; see docs/lm-eval.md."""

    Options = LmEvalPackageOptions
    role: ClassVar[Literal["task", "probe"]] = "task"
    kind: ClassVar[str] = "lm_eval_package"
    summary: ClassVar[str] = "A task, group, or tag of the installed lm-evaluation-harness, by its name."
    cluster_unit: ClassVar[str] = "parent"
    item_measures: ClassVar[tuple[ItemMeasure, ...]] = (MARGIN_OF_CORRECT, BITS_PER_BYTE)
    provides: ClassVar[tuple[str, ...]] = (
        *("acc", "acc_norm_chars", "acc_norm_bytes", "acc_mutual_info", "correct", "target", "prediction"),
        *("nll", "tokens", "bytes", "words", "nll_target", "targets", "greedy_match", "exact_match_strict"),
        *(f"{name}.0" for name in CORPUS),
        *("brier", *BinaryF1.needs, STATISTIC, SHARE),
    )
    options: LmEvalPackageOptions
    default_metrics: tuple[str, ...] = ()

    def __init__(self, name: str, options: LmEvalPackageOptions, context: EvaluationContext) -> None:
        super().__init__(name, options, context)
        self._settings = _source_options(options)

    @classmethod
    def prepared(cls, given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """The options with the task's own figures as metrics where none are given.

        Raises:
            MissingPackageError: when lm-evaluation-harness is not installed.
            SuiteError: for an unknown task, and for groups whose tasks ask in different ways.
        """
        task = dict(given)
        name = task.get("task")
        if not isinstance(name, str):
            raise SuiteError("set `task` to the name of a task of the installed lm-evaluation-harness.")
        task.setdefault("base", str(folder.absolute()))
        protocols = {PROTOCOLS[kind] for kind in output_types(name)}
        if len(protocols) > 1:
            raise SuiteError(
                f"the tasks of {name!r} ask in different ways ({', '.join(sorted(protocols))}).",
                hint="name its tasks one by one, each as a task of the suite.",
            )
        if task.get("metrics") is None:
            task["metrics"] = list(dict.fromkeys(figure.metric for figure in figures_of(name)))
        return task

    @classmethod
    def data_names(cls, options: LmEvalPackageOptions) -> tuple[SourceRef, ...]:
        return (SourceRef(source="lm_eval_package", options=_source_options(options)),)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What differs from a run of lm-eval."""
        sentences = []
        if not self.options.documents and self.options.revision is None:
            sentences.append("The task's data set is not pinned to a commit; its fingerprint is in the run.")
        return tuple(sentences)

    def spec(self) -> Mapping[str, Any]:
        """The task by the digest of its code; its data has a fingerprint of its own."""
        options = self.options
        return {
            "kind": self.kind,
            "format": 1,
            "task": options.task,
            "code": code_digest(options.task),
            "shots": options.num_fewshot,
            "filter": options.filter,
            "limit": options.limit,
            **options.model_dump(include=CHAT_FIELDS, exclude_defaults=True),
        }

    def items(self, data: Sequence[Dataset], split: str) -> Iterator[Item]:
        """The documents in their order, with the requests that lm-eval makes of them."""
        (dataset,) = data
        rows = dataset.split("test")
        several = len({row.fields["task"] for row in rows}) > 1
        chosen = choose((self._item(row, several) for row in rows), self.options.limit, self.cluster_unit)
        yield from _shared(list(chosen)) if place_of(self.options.task).equal else chosen

    def _item(self, row: Any, several: bool) -> Item:
        fields = row.fields
        requests = json.loads(fields["requests"])
        task = str(fields["task"])
        payload: dict[str, Any] = {"task": task, "doc_id": int(fields["doc_id"]), "requests": requests}
        if int(fields["repeats"]) > 1:
            payload["repeats"] = int(fields["repeats"])
        if requests[0][0] == "loglikelihood" and needs_greedy(self.loaded(task), payload):
            payload["greedy"] = True
        shown = str(requests[0][1][0])
        texts = {"text": "\n\n".join(text for _, text in messages_of(shown)) if self.options.chat else shown}
        if len(requests) > 1:
            texts["choices"] = "\n".join(str(arguments[-1]) for _, arguments in requests)
        target = str(fields["target"]) or None
        return Item(row.id, payload, texts, target, {"parent": row.cluster}, (f"task={task}",) if several else ())

    def loaded(self, name: str) -> LoadedTask:
        """One of the tasks that the name stands for, with its documents."""
        return load_tasks(asked_task(self._settings, Path(self.options.base)))[name]

    def protocol(self, facts: ModelFacts) -> str | None:
        refuse_decoding(self.name, self.options.decoding, facts)
        wanted = PROTOCOLS[output_types(self.options.task)[0]]
        if self.options.chat and not (facts.chat and (wanted == GENERATION or facts.chat_likelihoods)):
            return None
        if facts.language_model == "causal" or _KINDS[wanted] in facts.supports:
            return wanted
        return None

    def unsupported(self, facts: ModelFacts) -> str:
        if self.options.chat and not facts.chat:
            return "it has no chat template"
        if self.options.chat and not facts.chat_likelihoods:
            return NO_CHAT_LIKELIHOODS
        return read_from_left(output_types(self.options.task)[0], facts)

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        payload = item.payload
        kind = payload["requests"][0][0]
        if kind == "loglikelihood_rolling":
            return [RollingLikelihood(arguments[0]) for _, arguments in payload["requests"]]
        if kind == "generate_until":
            return [request for _, arguments in payload["requests"] for request in self._generate(payload, *arguments)]
        asked: list[Request] = [self._continuations(context, options) for context, options in _contexts(payload)]
        if payload.get("greedy"):
            asked += [
                self._generated(context, max_tokens=target_tokens(option))
                for _, (context, option) in payload["requests"]
            ]
        return asked

    def _continuations(self, context: str, options: Sequence[str]) -> Continuations:
        if not self.options.chat:
            return Continuations(context, tuple(options))
        return Continuations("", tuple(options), messages=_turns(context), form=self.options.form)

    def _generated(self, context: str, **settings: Any) -> Generate:
        if not self.options.chat:
            return Generate(context, **settings)
        return Generate("", _turns(context), form=self.options.form, **settings)

    def _generate(self, payload: Mapping[str, Any], context: str, given: Mapping[str, Any]) -> list[Request]:
        settings = generation_settings({"generation_kwargs": given})
        # A greedy answer is the same each time: it is asked once and counted as often as the task says.
        times = payload.get("repeats", 1) if settings["temperature"] > 0 else 1
        return [self._generated(context, **settings, sample=sample) for sample in range(times)]

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        cut = truncated_tokens(responses)
        failure = next((response for response in responses if isinstance(response, Failure)), None)
        if failure is not None:
            return failed(item, failure, truncated=cut)
        kind = item.payload["requests"][0][0]
        results, extra = (
            self._texts(item, responses)
            if kind == "generate_until"
            else self._whole(item, responses)
            if kind == "loglikelihood_rolling"
            else self._likelihoods(item, responses)
        )
        if isinstance(results, Failure):
            return failed(item, results, truncated=cut)
        task = self.loaded(item.payload["task"])
        document = scored(task, item.payload, results, self.options.filter, figures_of_task(item.payload["task"]))
        finish = extra.pop("finish", None)
        made = outcome(
            item,
            prediction=document.prediction,
            margin=document.margin,
            truncated=cut,
            response={**extra, **document.response},
            stats=document.stats,
        )
        return replace(made, finish=finish)

    def _texts(self, item: Item, responses: Sequence[Response]) -> tuple[list[list[Any]] | Failure, dict[str, Any]]:
        written = [response for response in responses if isinstance(response, Generated)]
        if len(written) != len(responses):
            return Failure("error", "expected a generated text"), {}
        times = item.payload.get("repeats", 1)
        each = len(written) // len(item.payload["requests"])
        texts = [answer.text for answer in written]
        answers = list(map(self.options.answer, texts))
        groups = [answers[start : start + each] for start in range(0, len(answers), each)]
        results: list[list[Any]] = [group * times if each == 1 else group for group in groups]
        finish = "length" if any(answer.finish == "length" for answer in written) else written[0].finish
        return results, {"generated": texts if len(texts) > 1 else texts[0], "finish": finish}

    def _whole(self, item: Item, responses: Sequence[Response]) -> tuple[list[list[Any]] | Failure, dict[str, Any]]:
        values = [whole_likelihood(response) for response in responses]
        failure = next((value for value in values if isinstance(value, Failure)), None)
        if failure is not None:
            return failure, {}
        known = [value for value in values if not isinstance(value, Failure)]
        tokens = sum(value.tokens for value in known)
        return [[value.total] for value in known], {"log_likelihood": known[0].total, "tokens": tokens}

    def _likelihoods(
        self, item: Item, responses: Sequence[Response]
    ) -> tuple[list[list[Any]] | Failure, dict[str, Any]]:
        contexts = _contexts(item.payload)
        by_request: dict[tuple[str, str], float] = {}
        for (context, options), response in zip(contexts, responses, strict=False):
            values = scores(response, len(options))
            if isinstance(values, Failure):
                return values, {}
            if -math.inf in values:
                return Failure("nan", "a choice has no likelihood"), {}
            by_request.update(zip(((context, option) for option in options), values, strict=True))
        pairs = [(context, option) for _, (context, option) in item.payload["requests"]]
        likelihoods = [by_request[pair] for pair in pairs]
        written = responses[len(contexts) :]
        greedy = (
            [
                isinstance(answer, Generated) and answer.text.startswith(option)
                for answer, (_, option) in zip(written, pairs, strict=True)
            ]
            if written
            else [False] * len(pairs)
        )
        results: list[list[Any]] = [[pair] for pair in zip(likelihoods, greedy, strict=True)]
        return results, {"log_likelihoods": likelihoods, **({"greedy": greedy} if written else {})}


def _shared(items: Sequence[Item]) -> Iterator[Item]:
    """Items that say what each counts so that their tasks count alike; the shares are 1 on average."""
    sizes = Counter(item.payload["task"] for item in items)
    for item in items:
        share = len(items) / (len(sizes) * sizes[item.payload["task"]])
        yield replace(item, payload={**item.payload, "share": share})


def _turns(context: str) -> Messages:
    return tuple(map(tuple, messages_of(context)))


def _contexts(payload: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """The different contexts of a document with the continuations of each, so that a context is read once."""
    contexts: dict[str, list[str]] = {}
    for _, (context, option) in payload["requests"]:
        options = contexts.setdefault(context, [])
        if option not in options:
            options.append(option)
    return list(contexts.items())


def _settings(given: Mapping[str, Any]) -> Mapping[str, Any]:
    return Generate(**generation_settings({"generation_kwargs": given})).decoding()


def _source_options(options: LmEvalPackageOptions) -> dict[str, Any]:
    return {
        "name": options.task,
        "num_fewshot": options.num_fewshot,
        "revision": options.revision,
        "documents": dict(options.documents),
        "cluster": options.cluster,
        "chat": options.chat,
        "multiturn": options.multiturn,
        "system": options.system,
    }
