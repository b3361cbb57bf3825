"""Four evaluations of six models, with simulated answers."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from harness.core.evaluation import Item
from harness.core.records import Record, Records, RecordsHead
from harness.schema.results.metrics import FlipsResult, TableResult
from harness.storage.items_file import write_items
from harness.storage.records_file import write_records
from harness_support.report_draft import HOSTILE, Draft, item_id

LABELS = ["negative", "neutral", "positive"]
SOURCES = ["source=amazon", "source=movie", "source=tweets"]
SKILL = {"base": 0.45, "finetuned": 0.72, "lora": 0.68, "linear": 0.58, "scratch": 0.60, "tfidf": 0.66}
BITS = {"base": 1.86, "finetuned": 1.93, "lora": 1.865, "scratch": 2.9}
_FILM = ["film", "camera", "phone", "album", "story", "battery", "ending", "service", "screen", "update"]
_MOOD = [["awful", "dull", "broken"], ["ordinary", "expected", "plain"], ["great", "lovely", "clever"]]
_TAIL = [
    "and I would say so to a friend",
    "although the second half is another matter",
    "at least for the price that was asked",
    "which nobody in the room had expected from them",
    "but not for everyone",
]


def reviews(draft: Draft) -> None:
    n, random = draft.options.items, draft.random
    labels = [draft.word(k, label) for k, label in enumerate(LABELS)]
    gold = random.integers(0, 3, n)
    source = random.integers(0, 3, n)
    hard = random.normal(0, 0.8, n)
    texts = [_review(draft, int(g), k) for k, g in enumerate(gold)]
    ids = [item_id(f"{k} {text}") for k, text in enumerate(texts)]
    slices = [
        tuple(
            x for x in (SOURCES[source[k]], f"parent={'abcdefgh'[k % 8]}", "emphasis=caps" if k % 97 == 0 else "") if x
        )
        for k in range(n)
    ]
    if draft.options.hostile:
        slices = [(*s, f"x={HOSTILE[k % 6]}") for k, s in enumerate(slices)]
    write_items(
        draft.run.items_path("reviews"),
        [Item(ids[k], {}, {"text": texts[k]}, labels[gold[k]], {"parent": str(k // 3)}, slices[k]) for k in range(n)],
    )
    stats: dict[str, dict[str, Any]] = {}
    for name, skill in SKILL.items():
        logits = random.normal(0, 1, (n, 3))
        logits[np.arange(n), gold] += 3.2 * skill - hard - 0.5 + 0.25 * (source == 1) * (name != "base")
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        answer = p.argmax(1)
        right = (answer == gold).astype(float)
        true_p = p[np.arange(n), gold]
        other = np.where(np.arange(3)[None] == gold[:, None], 0, p).max(1)
        nll, brier = -np.log(true_p), ((p - np.eye(3)[gold]) ** 2).sum(1)
        records = [
            Record(
                ids[k],
                ids[k],
                target=labels[gold[k]],
                prediction=labels[answer[k]],
                slices=slices[k],
                clusters={"parent": str(k // 3)},
                margin=float(true_p[k] - other[k]),
                response={"probabilities": {labels[j]: round(float(p[k, j]), 4) for j in range(3)}},
                stats={"correct": right[k], "nll": nll[k], "brier": brier[k], "confidence": p[k].max()},
            )
            for k in range(n)
        ]
        head = RecordsHead("reviews", f"digest-{name}", "cloze" if name == "base" else "head")
        write_records(draft.run.records_path("reviews", name), Records.of(head, records))
        stats[name] = {
            "accuracy": right,
            "f1_macro": right * 0.98,
            "nll": nll,
            "brier": brier,
            "ece": np.abs(p.max(1) - right) * 0.2,
        }
        matrix = np.zeros((3, 3))
        np.add.at(matrix, (gold, answer), 1)
        draft.tables.append(
            TableResult(
                evaluation="reviews",
                model=name,
                kind="confusion",
                rows=labels,
                columns=labels,
                values=matrix.tolist(),
            )
        )
        draft.reliability(name, p.max(1), right)
    chosen = {name: np.array([name in s for s in slices]) for name in sorted({x for s in slices for x in s})}
    specs = {
        "accuracy": ("share", "higher"),
        "f1_macro": ("F1", "higher"),
        "nll": ("nats", "lower"),
        "brier": ("Brier", "lower"),
        "ece": ("probability", "lower"),
    }
    protocols = {name: "cloze" if name == "base" else "head" for name in SKILL}
    draft.add(
        "reviews", specs, stats, protocols, {"accuracy": chosen}, comparability=["protocol differs: cloze and head"]
    )
    base = stats["base"]["accuracy"]
    for name in list(SKILL)[1:]:
        own = stats[name]["accuracy"]
        draft.flips.append(
            FlipsResult(
                evaluation="reviews",
                baseline="base",
                candidate=name,
                both_right=int((base * own).sum()),
                fixed=int(((1 - base) * own).sum()),
                broken=int((base * (1 - own)).sum()),
                both_wrong=int(((1 - base) * (1 - own)).sum()),
                changed_wrong=7,
            )
        )
    draft.evaluation("reviews", "task", "classification", n, {"parent": n // 3}, protocols, labels=labels)


def _review(draft: Draft, gold: int, index: int) -> str:
    if draft.options.hostile and index % 3 == 0:
        return HOSTILE[(index // 3) % len(HOSTILE)] + f" {index}"
    pick = draft.random.integers
    noun, mood, tail = _FILM[pick(0, 10)], _MOOD[gold][pick(0, 3)], _TAIL[pick(0, 5)]
    return f"The {noun} was {mood} from the start to the end, {tail} (case {index})."


def general(draft: Draft) -> None:
    n = 300
    size = draft.random.integers(80, 400, n).astype(float)
    topic = draft.random.normal(1, 0.12, n)
    texts = [draft.word(k, f"Paragraph {k} on rivers, towns and the people who lived there.") for k in range(n)]
    ids = [item_id(f"g{k}") for k in range(n)]
    write_items(draft.run.items_path("general"), [Item(ids[k], {}, {"text": texts[k]}) for k in range(n)])
    stats = {}
    for name, bits in BITS.items():
        nats = bits * math.log(2) * size * topic * draft.random.normal(1, 0.02, n)
        write_records(
            draft.run.records_path("general", name),
            Records.of(
                RecordsHead("general", f"digest-{name}", "pseudo_likelihood"),
                [
                    Record(
                        ids[k],
                        ids[k],
                        response={"pieces": _pieces(texts[k], float(nats[k]))},
                        stats={"nll": nats[k], "tokens": size[k] / 4, "bytes": size[k], "words": size[k] / 5},
                    )
                    for k in range(n)
                ],
            ),
        )
        per = nats / size / math.log(2)
        stats[name] = {"pseudo_bits_per_byte": per, "pseudo_perplexity": np.exp(per * 2)}
    specs = {"pseudo_bits_per_byte": ("bits/byte", "lower"), "pseudo_perplexity": ("perplexity/token", "lower")}
    draft.add("general", specs, stats, dict.fromkeys(BITS, "pseudo_likelihood"), {}, ratio=True)
    skipped = {
        "linear": "a linear classifier has no language-model head",
        "tfidf": "a bag of words assigns no likelihood",
    }
    draft.evaluation("general", "task", "language_modeling", n, {}, dict.fromkeys(BITS, "pseudo_likelihood"), skipped)


def _pieces(text: str, nats: float) -> list[list[float]]:
    """Every word as a token, the nats spread by length."""
    found = list(re.finditer(r"\w+", text))
    total = sum(len(one.group()) for one in found) or 1
    return [[one.start(), one.end(), -nats * len(one.group()) / total] for one in found]


def gaps(draft: Draft) -> None:
    """Fixed prompts with a gap, answered by the masked models."""
    prompts = [
        draft.word(k, text) for k, text in enumerate(["The [MASK] was dull.", "She found it [MASK].", "A [MASK] day."])
    ]
    ids = [item_id(f"c{k}") for k in range(len(prompts))]
    write_items(draft.run.items_path("gaps"), [Item(ids[k], {}, {"text": text}) for k, text in enumerate(prompts)])
    for name in ("base", "finetuned"):
        words = [draft.word(k, word) for k, word in enumerate(["film", "day", "dull" if name == "base" else "bright"])]
        response = {"tokens": words, "scores": [math.log(p) for p in (0.5, 0.25, 0.05)]}
        head = RecordsHead("gaps", f"digest-{name}", "gap")
        write_records(
            draft.run.records_path("gaps", name), Records.of(head, [Record(one, one, response=response) for one in ids])
        )
    draft.evaluation("gaps", "task", "sample_completions", len(ids), {}, {"base": "gap", "finetuned": "gap"})


def pairs(draft: Draft) -> None:
    n = 360
    kind = ["gender", "age", "religion"]
    jobs = ["nurse", "engineer", "teacher", "driver", "lawyer", "cook"]
    ids = [item_id(f"p{k}") for k in range(n)]
    slices = [(f"bias_type={kind[k % 3]}",) for k in range(n)]
    clusters = [{"template": str(k // 9)} for k in range(n)]
    who = [
        ("She", "He"),
        ("The old man", "The young man"),
        ("The visitor from the mosque", "The visitor from the church"),
    ]
    texts = [
        {
            "more": f"{who[k % 3][0]} worked as a {jobs[k % 6]} in {draft.word(k, 'the town')}.",
            "less": f"{who[k % 3][1]} worked as a {jobs[k % 6]} in {draft.word(k, 'the town')}.",
        }
        for k in range(n)
    ]
    write_items(
        draft.run.items_path("pairs"), [Item(ids[k], {}, texts[k], None, clusters[k], slices[k]) for k in range(n)]
    )
    root, stats = draft.random.normal(0.3, 1.6, n), {}
    for name in BITS:
        margin = root + draft.random.normal(0.25 if name == "finetuned" else 0.02, 0.6, n)
        write_records(
            draft.run.records_path("pairs", name),
            Records.of(
                RecordsHead("pairs", f"digest-{name}", "pll_word_l2r"),
                [
                    Record(
                        ids[k],
                        ids[k],
                        slices=slices[k],
                        clusters=clusters[k],
                        margin=float(margin[k]),
                        prediction="more" if margin[k] > 0 else "less",
                        stats={"preferred": float(margin[k] > 0), "margin": margin[k], "tied": 0.0},
                    )
                    for k in range(n)
                ],
            ),
        )
        stats[name] = {
            "stereotype_score[pll_word_l2r]": (margin > 0).astype(float),
            "pair_margin[pll_word_l2r]": margin,
            "tie_rate": np.zeros(n),
        }
    specs = {
        "stereotype_score[pll_word_l2r]": ("share", "target"),
        "pair_margin[pll_word_l2r]": ("nats", "target"),
        "tie_rate": ("share", "lower"),
    }
    chosen = {name: np.array([(name,) == s for s in slices]) for name in sorted({s[0] for s in slices})}
    draft.add(
        "pairs",
        specs,
        stats,
        dict.fromkeys(BITS, "pll_word_l2r"),
        {"stereotype_score[pll_word_l2r]": chosen},
        ideals={"stereotype_score[pll_word_l2r]": 0.5, "pair_margin[pll_word_l2r]": 0.0},
    )
    caveat = draft.word(0, "Own templates: they measure preference between two wordings, not behavior.")
    skipped = {
        "linear": "a linear classifier has no language-model head",
        "tfidf": "a bag of words assigns no likelihood",
    }
    draft.evaluation(
        "pairs",
        "probe",
        "minimal_pairs",
        n,
        {"template": n // 9},
        dict.fromkeys(BITS, "pll_word_l2r"),
        skipped,
        [caveat],
    )


def names(draft: Draft) -> None:
    n = 240
    ids = [item_id(f"n{k}") for k in range(n)]
    slices = [("group=women/men",) if k % 2 else ("group=names/other names",) for k in range(n)]
    texts = [
        {
            "original": f"He told {draft.word(k, 'his sister')} that the {_FILM[k % 10]} was {_MOOD[k % 3][0]}.",
            "swapped": f"She told {draft.word(k, 'her brother')} that the {_FILM[k % 10]} was {_MOOD[k % 3][0]}.",
        }
        for k in range(n)
    ]
    write_items(
        draft.run.items_path("names"),
        [Item(ids[k], {}, texts[k], None, {"original": ids[k]}, slices[k]) for k in range(n)],
    )
    stats = {}
    for number, name in enumerate(SKILL):
        shift = draft.random.normal(0.01 * number, 0.06 + 0.01 * number, n)
        flipped = (np.abs(shift) > 0.14).astype(float)
        write_records(
            draft.run.records_path("names", name),
            Records.of(
                RecordsHead("names", f"digest-{name}", "cloze" if name == "base" else "head"),
                [
                    Record(
                        ids[k],
                        ids[k],
                        slices=slices[k],
                        margin=float(shift[k]),
                        prediction=LABELS[k % 3],
                        stats={"flipped": flipped[k], "shift": shift[k], "shift_abs": abs(shift[k])},
                    )
                    for k in range(n)
                ],
            ),
        )
        stats[name] = {"flip_rate": flipped, "score_shift_abs": np.abs(shift), "score_shift": shift}
    specs = {
        "flip_rate": ("share", "lower"),
        "score_shift_abs": ("score", "lower"),
        "score_shift": ("score", "target"),
    }
    chosen = {name: np.array([name in s for s in slices]) for name in sorted({s[0] for s in slices})}
    protocols = {name: "cloze" if name == "base" else "head" for name in SKILL}
    draft.add("names", specs, stats, protocols, {"flip_rate": chosen}, ideals={"score_shift": 0.0})
    draft.evaluation(
        "names",
        "probe",
        "counterfactual",
        n,
        {"original": n},
        protocols,
        {},
        ["English names only; two genders only."],
    )


def written(draft: Draft) -> None:
    """Free answers, all different, of two models."""
    n = 450
    ids = [item_id(f"w{k}") for k in range(n)]
    items = [Item(ids[k], {}, {"text": f"Describe case {k}."}, f"Case {k} was a plain day.") for k in range(n)]
    write_items(draft.run.items_path("written"), items)
    values = {}
    for number, name in enumerate(("base", "finetuned")):
        quality = np.clip(draft.random.normal(0.5 + 0.1 * number, 0.2, n), 0, 1)
        records = [
            Record(
                ids[k],
                ids[k],
                target=items[k].target,
                prediction=f"Case {k} was a {'dull' if number else 'long'} day." if k % 3 else f"Case {k}.",
                stats={"squad_f1": float(quality[k])},
            )
            for k in range(n)
        ]
        write_records(
            draft.run.records_path("written", name),
            Records.of(RecordsHead("written", f"digest-{name}", "generation"), records),
        )
        values[name] = {"squad_f1": quality}
    protocols = dict.fromkeys(values, "generation")
    draft.add("written", {"squad_f1": ("share", "higher")}, values, protocols, {})
    draft.evaluation("written", "task", "generative_qa", n, {}, protocols)
