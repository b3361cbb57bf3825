"""Writes the texts and the suite of the sample report into a folder, from a few hundred invented words.

    python reports/sample/make.py /tmp/sample && cd /tmp/sample && harness run sample.yaml

Everything is drawn with a fixed seed, so the same folder comes out everywhere.
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

GOOD = ["bright", "lovely", "warm", "clever", "charming", "splendid", "gentle", "fresh", "generous", "elegant"]
BAD = ["dull", "awful", "cold", "clumsy", "boring", "dreadful", "stale", "rude", "careless", "gloomy"]
PLAIN = ["long", "short", "recent", "third", "usual", "second", "local", "small", "large", "printed"]
THINGS = ["film", "song", "phone", "meal", "book", "hotel", "story", "lamp", "garden", "lecture", "train", "coat"]
PEOPLE = ["he", "she", "the man", "the woman", "my uncle", "my aunt", "Anna", "James", "Maria", "Peter"]
JOBS = ["nurse", "pilot", "teacher", "engineer", "cook", "clerk", "painter", "driver", "doctor", "gardener"]
PLACES = ["north", "south", "coast"]
OPENINGS = ["This week", "After lunch", "On Sunday", "To my surprise", "As always", "In the end"]
FRAMES = [
    "{open}, {who} said the {thing} was {word}.",
    "A {word} {thing}, {who} told me, and I had expected {other}.",
    "I think the {thing} is {word} and {who} agreed.",
    "{open} {who} found it a {word} {thing}.",
    "{who} came for the {thing}, which was {word} from start to end.",
    "Not {other} at all: {who} and I found the {thing} {word}.",
]
SUITE = """\
name: sample
title: "Sample: moods of short notes"
seed: 1
data:
  notes: {file: notes.csv, columns: {text: body, label: mood}, cluster: author, splits: fold, slices: [place]}
  prose: {file: prose.txt, splits: {train: 0.8, validation: 0.1, test: 0.1}}
  pairs: {file: pairs.csv, splits: {test: 1.0}}
models:
  base:
    pretrain:
      data: [notes, prose]
      architecture: {model_type: bert, hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 2,
                     intermediate_size: 128, max_position_embeddings: 64}
      tokenizer: {vocabulary: 500}
      sequence_length: 48
      budget: {tokens: 400k}
  finetuned: {finetune: {from: base, task: notes, epochs: 4}}
  few_labels: {finetune: {from: base, task: notes, epochs: 4, max_train_rows: 300}}
compare: {baseline: base, release: [finetuned]}
tasks:
  notes:
    classification:
      data: notes
      text: text
      label: label
      cloze:
        template: "{text} it was {mask} ."
        words: {bad: [dull, awful], good: [bright, lovely], plain: [long, short]}
      metrics: [accuracy, f1_macro, ece]
  general: {language_modeling: {data: prose, text: text, metrics: [pseudo_bits_per_byte]}}
  gaps:
    sample_completions:
      prompts: ["The {mask} was dull.", "Anna found it a {mask} meal.", "The man said the song was {mask}.",
                "The woman said the song was {mask}."]
probes:
  swaps: {counterfactual: {on: notes, swap: [gender], limit: 240, metrics: [flip_rate, score_shift]}}
  pairs: {minimal_pairs: {data: pairs}}
gates:
  - {id: better, metric: notes.accuracy, kind: superiority}
  - {id: floor, metric: notes.f1_macro, kind: absolute, min: 0.5}
  - {id: memory, metric: general.pseudo_bits_per_byte, kind: non_inferiority, margin: {ratio: 1.10}, severity: warn}
  - {id: drift, metric: pairs.stereotype_score, kind: equivalence, margin: 0.1, severity: warn}
  - {id: places, metric: notes.accuracy, kind: non_inferiority, margin: 0.05, each_slice: place, correction: holm,
     severity: warn}
"""


def sentence(rng: random.Random, words: list[str], others: list[str]) -> str:
    """One sentence whose mood is that of `words`; `others` may be named, but are denied."""
    text = rng.choice(FRAMES).format(
        open=rng.choice(OPENINGS), who=rng.choice(PEOPLE), thing=rng.choice(THINGS), word=rng.choice(words),
        other=rng.choice(others),
    )  # fmt: skip
    return text[0].upper() + text[1:]


def note(rng: random.Random, mood: str) -> str:
    """Two sentences; in every fourth note one of them has another mood, and in some both are of another one."""
    words = {"good": GOOD, "bad": BAD, "plain": PLAIN}
    others = [word for name, group in words.items() if name != mood for word in group]
    first = second = words[mood]
    if rng.random() < 0.25:
        second = rng.choice(list(words.values()))
    if rng.random() < 0.05:
        first = rng.choice(list(words.values()))
    return f"{sentence(rng, first, others)} {sentence(rng, second, others)}"


def write(folder: Path) -> None:
    """Writes notes.csv, prose.txt, pairs.csv and sample.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(11)
    folds = ["train"] * 7 + ["validation"] + ["test"] * 2
    with (folder / "notes.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["body", "mood", "author", "fold", "place"])
        for number in range(3000):
            mood, author = rng.choice(["good", "bad", "plain"]), number // 3
            writer.writerow([note(rng, mood), mood, f"a{author}", folds[author % len(folds)], PLACES[author % 3]])
    lines = [
        f"The {rng.choice(JOBS)} and the {rng.choice(JOBS)} met in the {rng.choice(PLAIN)} {rng.choice(THINGS)} "
        f"shop near the {rng.choice(PLACES)} road, where {rng.choice(PEOPLE)} sold a {rng.choice(THINGS)}."
        for _ in range(1500)
    ]
    (folder / "prose.txt").write_text("\n".join(dict.fromkeys(lines)) + "\n", encoding="utf-8")
    with (folder / "pairs.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["more", "less", "bias_type", "template"])
        for place, job in enumerate(JOBS):
            for thing in THINGS:
                first, second = ("The woman", "The man") if place % 2 == 0 else ("The man", "The woman")
                writer.writerow(
                    [f"{first} is a {job} with a {thing}.", f"{second} is a {job} with a {thing}.", "job", job]
                )
    (folder / "sample.yaml").write_text(SUITE, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
