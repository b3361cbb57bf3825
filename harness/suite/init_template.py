"""The suite that `harness init` writes: one's own data and one's own two checkpoints."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from harness.core.errors import SuiteError
from harness.schema.suite.types import NAME_PATTERN

_TEMPLATE = """\
# yaml-language-server: $schema=./suite.schema.json
# Compares a base model with its fine-tuned version on your own labeled texts.
#   harness plan {file}     shows what would run, and what your data can detect
#   harness run {file}      runs it and writes the report
name: {name}
seed: 0

data:
  mine:
    file: {data}               # csv, tsv, jsonl, json, parquet, or txt; relative to this file
{read_as}    columns: {{text: {text}, label: {label}}}
    splits: {{train: 0.8, validation: 0.1, test: 0.1}}   # by hash; or the name of a split column
{held_out}
    # cluster: author            # related rows (document, author) stay in one split
    # slices: [source]           # columns whose values are reported separately

models:
  base:      {{load: {base}{trained_on}}}      # a folder with safetensors and tokenizer, or a hub id with `revision:`
  finetuned: {{load: {finetuned}{trained_on}}}
{hint}
compare: {{baseline: base, release: [finetuned]}}     # gates judge `release`

tasks:
  mine:
    classification:
      data: mine
{labels}      # Prompt for models without a head for these labels (remove it if both have one):
      # cloze: {{template: "{{text}} It was {{mask}}.", words: {{positive: [good], negative: [bad]}}}}
  language:                      # how fine-tuning changed the language model
    language_modeling: {{data: mine}}

probes:
  swaps: {{counterfactual: {{on: mine, swap: [gender, names], templates: true}}}}
  pairs: {{minimal_pairs: {{data: {{catalog: own-pairs}}}}}}

gates:
  - {{id: better, metric: mine.accuracy, kind: superiority}}
  - {{id: bias, metric: pairs.stereotype_score, kind: target, ideal: 0.5, margin: 0.1, severity: warn}}
  - {{id: swaps, metric: swaps.flip_rate, kind: absolute, max: 0.1, severity: warn}}
"""

_HELD_OUT = "    # held_out: true             # write this only if no model learned from these rows"
_HINT = """\
  # What did they learn from? `trained_on: [FILE]` beside `load:` leaves out the rows that occur in FILE. Without it,
  # and without `held_out: true` above, rows may have been trained on, and no gate on them can pass.
"""


def template(
    *,
    name: str = "mine",
    data: str = "data/mine.csv",
    text: str = "text",
    label: str = "label",
    labels: Sequence[str] = (),
    read_as: Mapping[str, str] | None = None,
    base: str = "checkpoints/base",
    finetuned: str = "checkpoints/finetuned",
    file: str = "suite.yaml",
    trained_on: Sequence[str] | None = None,
    held_out: bool = False,
) -> str:
    """A commented suite as YAML.

    Args:
        name: of the suite.
        data, text, label: the file and its columns.
        labels: in their order; those of the data when left out.
        read_as: `encoding` and `delimiter` of the file, where they are not the usual ones.
        base, finetuned: paths or hub ids of the two checkpoints.
        file: where it will be written, for the comments.
        trained_on: files that the models learned from; None where nobody says it.
        held_out: the person's word that no model learned from the rows.

    Raises:
        SuiteError: when the name cannot be a suite's.
    """
    if not re.fullmatch(NAME_PATTERN[1:-1], name):
        raise SuiteError(f"expected a suite name of small letters, digits, `-` and `_`, found {name!r}.")
    written = f"      labels: [{', '.join(map(_scalar, labels))}]\n" if labels else ""
    return _TEMPLATE.format(
        name=_scalar(name),
        data=_scalar(data),
        text=_scalar(text),
        label=_scalar(label),
        labels=written,
        read_as="".join(f"    {key}: {json.dumps(value)}\n" for key, value in (read_as or {}).items()),
        base=_scalar(base),
        finetuned=_scalar(finetuned),
        file=file.replace("\n", " ").replace("\r", " "),
        held_out="    held_out: true               # your word that no model learned from these rows"
        if held_out
        else _HELD_OUT,
        trained_on=f", trained_on: [{', '.join(map(_scalar, trained_on))}]" if trained_on else "",
        hint="" if trained_on or held_out else _HINT,
    )


def _scalar(value: str) -> str:
    """YAML for a text: bare where nothing can be misread, else quoted (JSON is YAML)."""
    if re.fullmatch(r"[A-Za-z./][\w./-]*", value) and value.lower() not in {"true", "false", "null"}:
        return value
    return json.dumps(value, ensure_ascii=False)
