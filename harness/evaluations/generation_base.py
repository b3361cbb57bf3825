"""Tasks that a model answers by writing: what is asked, how it is read, what training sees.

Every kind of model reads the same prompt: causal models go on from it, sequence-to-sequence models encode it,
models with a chat template get it as the user's message when the task says `chat: true`. An answer that the length
limit cut off is no answer where the task needs a whole one; it counts in `length_limit_rate` and is scored as it is.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import Field, model_validator

from harness.core.dataset import Dataset
from harness.core.errors import SuiteError
from harness.core.evaluation import Item
from harness.core.model import ModelFacts
from harness.core.records import OK, UNREAD, Record, Records
from harness.core.requests import ChatForm, Continuations, Failure, Generate, Generated, Request, Response
from harness.evaluations.answers.answer_reader import UnreadError
from harness.evaluations.answers.repeated_answers import joined_answers
from harness.evaluations.chat_options import turns_of
from harness.evaluations.record_builders import failed, outcome, scores, truncated_tokens, unread
from harness.evaluations.reference_base import ReferenceOptions, ReferenceTask
from harness.evaluations.row_task import LOOKED_AT
from harness.metrics.capability.text_tokenizers import spaceless_share
from harness.schema.suite.generation_kwargs import GenerationKwargs

GENERATION, CHAT = "generation", "chat"
MOST_TOKENS = 65_536
"""The longest answer, a thought before it included."""


class WritingOptions(ReferenceOptions):
    """What tasks with a written answer take."""

    max_tokens: int = Field(64, ge=1, le=MOST_TOKENS, description="Maximum number of generated tokens.")
    stop: list[str] = Field(["\n"], description="Stop strings; the answer ends before the first one.")
    generation_kwargs: GenerationKwargs | None = Field(
        None, description="How tokens are chosen: sampling, beams, penalties. Defaults to greedy decoding."
    )
    samples: int | None = Field(
        None,
        ge=2,
        le=100,
        description="Number of answers to each item, sampled as `generation_kwargs` say; one when left out.",
    )
    likelihood: bool = Field(True, description="Also compute the likelihood of the first reference text.")

    @model_validator(mode="after")
    def _repeated(self) -> WritingOptions:
        if self.samples is not None and not (self.generation_kwargs and self.generation_kwargs.do_sample):
            raise ValueError(
                "`samples` requires `generation_kwargs: {do_sample: true}`: greedy answers to one prompt are all alike"
            )
        for name in self.metrics or ():
            base, _, k = name.removesuffix("]").partition("[")
            if base in _OF_SAMPLES and self.samples is None:
                raise ValueError(f"the metric {name!r} needs `samples: k`, several answers to each item")
            if base == "pass_at_k" and k.isdecimal() and int(k) > (self.samples or 0):
                raise ValueError(f"the metric {name!r} needs at least {k} answers to each item, found {self.samples}")
        return self

    @property
    def decoding(self) -> tuple[str, ...]:
        return () if self.generation_kwargs is None else self.generation_kwargs.used


WritingOptionsT = TypeVar("WritingOptionsT", bound=WritingOptions)
_OF_SAMPLES = ("pass_at_k", "majority_vote", "unread_samples")
_SPACELESS_SHARE = 0.2
_OPEN_THOUGHT = "the thought does not end"
_MOST_REASONS = 3
_EMPTY_SHARE = 0.05
"""From this share of empty answers on, a warning says why they are empty."""
_LIKELIHOOD = ("nll_reference", "bytes_reference")


class WritingTask(ReferenceTask[WritingOptionsT]):
    """A task whose answer is a text; subclasses measure it."""

    @abstractmethod
    def measure(self, text: str, item: Item) -> tuple[dict[str, float], dict[str, Any]]:
        """Statistics of an answer, and further things for its response."""

    def read(self, text: str) -> str:
        """What an answer says.

        Raises:
            UnreadError: where that cannot be told.
        """
        return text

    def trimmed(self, text: str) -> str:
        """A written text without the white space around it."""
        return text.strip()

    @property
    def caveats(self) -> tuple[str, ...]:
        """How an answer ends, and how its tokens are chosen where that is not greedily."""
        return (self._ending(), *self._decoding())

    def _ending(self) -> str:
        stop = " or ".join(json.dumps(text, ensure_ascii=False) for text in self.options.stop)
        default = "" if "stop" in self.options.model_fields_set else " (the task's default `stop`)"
        before = f"before the first {stop}{default}, " if stop else f"with no stop string{default}, "
        return f"An answer ends {before}at the model's own end, or after {self.options.max_tokens} tokens."

    def _decoding(self) -> list[str]:
        chosen = self.options.generation_kwargs
        if chosen is None:
            return []
        given = ", ".join(f"{name} {value}" for name, value in chosen.model_dump(exclude_unset=True).items())
        return [f"Tokens are chosen with {given}."]

    def answer_warnings(self, records: Records) -> list[str]:
        """Answers that cannot be read, and answers that a stop string ended before anything was written."""
        return [*_unread_answers(records), *self._empty(records)]

    def _empty(self, records: Records) -> list[str]:
        pairs = zip(records.texts("prediction"), records.texts("finish"), strict=True)
        empty = sum(finish == "stop" and not text for text, finish in pairs)
        if empty < _EMPTY_SHARE * len(records) or not empty:
            return []
        stop = ", ".join(map(repr, self.options.stop))
        counted = f"{empty} of {len(records)} answers are empty: a stop string comes first ({stop})."
        return [f"{counted} Set `stop` where answers begin with it."]

    def script_warnings(self, data: Sequence[Dataset], split: str, tokenizer: str) -> list[str]:
        """References in a script that a tokenizer for spaced text cannot split."""
        (dataset,) = data
        if tokenizer not in ("13a", "ascii", "unicode", "intl", "none"):
            return []
        texts = (text for row in dataset.split(split)[:LOOKED_AT] for text in self.accepted(dataset, row))
        share = spaceless_share(texts)
        if share < _SPACELESS_SHARE:
            return []
        told = f"{share:.0%} of the letters of data {dataset.name!r} are of scripts that the tokenizer {tokenizer!r} "
        return [told + "does not split. Declare the data's `language` (`zh`, `ja`, `ko`, …) or set `tokenize`."]

    def protocol(self, facts: ModelFacts) -> str | None:
        refuse_decoding(self.name, self.options.decoding, facts)
        if Generate.kind not in facts.supports or (self.options.chat and not self.asked.can_chat(facts)):
            return None
        return CHAT if self.options.chat else GENERATION

    def unsupported(self, facts: ModelFacts) -> str:
        if Generate.kind in facts.supports:
            return "it has no chat template, and the task requires one (`chat: true`)"
        return f"it does not generate text (it is of the kind {facts.family})"

    def requests(self, item: Item, protocol: str) -> Sequence[Request]:
        options, prompt = self.options, str(item.payload["prompt"])
        messages = turns_of(item.payload) if protocol == CHAT else ()
        form = self.asked.form(item.payload) if protocol == CHAT else ChatForm()
        text = "" if protocol == CHAT else prompt
        asked: list[Request] = [
            Generate(
                text,
                messages=messages,
                max_tokens=options.max_tokens,
                stop=tuple(options.stop),
                thinking=protocol == CHAT,
                form=form,
                sample=sample,
                **({} if options.generation_kwargs is None else options.generation_kwargs.fields()),
            )
            for sample in range(options.samples or 1)
        ]
        if options.likelihood and item.payload["references"] and not item.payload.get("called"):
            first = ("" if protocol == CHAT else self.separator) + item.payload["references"][0]
            asked.append(Continuations(text, (first,), messages, form))
        return asked

    def record(self, item: Item, protocol: str, responses: Sequence[Response]) -> Record:
        count = self.options.samples or 1
        answers = [self._answer(item, response) for response in responses[:count]]
        made = answers[0] if self.options.samples is None else joined_answers(answers)
        made = replace(made, truncated=truncated_tokens(responses))
        return (
            replace(made, stats={**made.stats, **_likelihood(item, responses[count:])}) if made.status == OK else made
        )

    def _answer(self, item: Item, response: Response) -> Record:
        """The record of one answer."""
        written = written_text(response)
        if isinstance(written, Failure):
            return failed(item, written)
        shown = {} if written.thought is None else {"thought": written.thought}
        if written.unclosed:
            return unread(item, {"generated": "", **shown}, finish=written.finish)
        try:
            text = self.read(self.trimmed(written.text))
        except UnreadError as error:
            said = {"generated": self.trimmed(written.text), **shown, "unread": str(error)}
            return unread(item, said, finish=written.finish)
        stats, response_of = self.measure(text, item)
        made = outcome(
            item,
            prediction=text,
            response={"generated": self.trimmed(written.text), **shown, **response_of},
            stats={**stats, "length_limit_rate": float(written.finish == "length")},
        )
        return replace(made, finish=written.finish)


def _unread_answers(records: Records) -> list[str]:
    """How many answers are unread, by reason."""
    told = zip(records.texts("status"), records.texts("response"), strict=True)
    reasons = Counter(
        str(json.loads(response).get("unread", _OPEN_THOUGHT)) for status, response in told if status == UNREAD
    )
    hints = {_OPEN_THOUGHT: " Raise `max_tokens`."}
    return [
        f"{count} of {len(records)} answers are unread: {reason}.{hints.get(reason, '')}"
        for reason, count in reasons.most_common(_MOST_REASONS)
    ]


def refuse_decoding(evaluation: str, wanted: Collection[str], facts: ModelFacts) -> None:
    """Refuses a model that would drop what an evaluation says of decoding.

    Raises:
        SuiteError: naming the key.
    """
    missing = [name for name in wanted if name not in facts.decoding]
    if missing and Generate.kind in facts.supports:
        raise SuiteError(
            f"{evaluation!r}: a model of the kind {facts.family} does not carry out `{missing[0]}`.",
            hint=f"remove it from `generation_kwargs`; this model takes {', '.join(sorted(facts.decoding))}.",
        )


def written_text(response: Response) -> Generated | Failure:
    """A written answer, or why there is none."""
    if isinstance(response, Failure):
        return response
    if not isinstance(response, Generated):
        return Failure("error", f"expected a generated text, found {response!r}")
    return response


def _likelihood(item: Item, responses: Sequence[Response]) -> Mapping[str, float]:
    """Nats and bytes of the first reference, where the model says likelihoods; nothing else."""
    likelihoods = scores(responses[0], 1) if responses else Failure("unsupported", "not asked")
    if isinstance(likelihoods, Failure) or likelihoods[0] == float("-inf"):
        return {}
    text = str(item.payload["references"][0])
    return dict(zip(_LIKELIHOOD, (-likelihoods[0], float(len(text.encode("utf-8", "surrogatepass")))), strict=True))
