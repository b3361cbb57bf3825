"""Public bias sets whose files are neither tables nor lists of plain objects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.core.errors import DataError, Where
from harness.data.parsers.json_documents import loaded, parse_jsonl
from harness.data.parsers.raw_row import Raw, text_of

_PRONOUNS = "he|she|they|him|her|them|his|hers|their|theirs|himself|herself|themselves"
_PRONOUN = re.compile(rf"\b({_PRONOUNS})\b", re.IGNORECASE)
_MARKED = re.compile(r"\[([^\[\]]*)\]")
_SAME_GROUP = {
    "man": "m",
    "boy": "m",
    "woman": "f",
    "girl": "f",
    "transgender men": "trans",
    "transgender women": "trans",
    "low ses": "lowses",
}
"""Names that BBQ's two lists of groups use for one group."""


def parse_stereoset(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """StereoSet's dev.json, or a flattened copy with one object a line: one row a context.

    Columns: type, target, bias_type, context, stereotype, anti_stereotype, unrelated.
    """
    if not where.endswith(".jsonl"):
        yield from _stereoset_tree(loaded(text_of(content, where), where, None), where)
        return
    for raw in parse_jsonl(content, where, options):
        yield Raw(raw.line, {name.replace("-", "_"): value for name, value in raw.fields.items()})


def _stereoset_tree(value: Any, where: str) -> Iterator[Raw]:
    line = 0
    try:
        for kind in ("intrasentence", "intersentence"):
            for entry in value["data"][kind]:
                line += 1
                sentences = {sentence["gold_label"]: sentence["sentence"] for sentence in entry["sentences"]}
                yield Raw(
                    line,
                    {
                        "type": kind,
                        **{name: entry[name] for name in ("target", "bias_type", "context")},
                        "stereotype": sentences["stereotype"],
                        "anti_stereotype": sentences["anti-stereotype"],
                        "unrelated": sentences["unrelated"],
                    },
                )
    except (KeyError, TypeError) as error:
        raise DataError(f"not a StereoSet file: {error!r}.", where=Where(where, line or None)) from None


def parse_bbq(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """BBQ: one row a question, with the places of the biased and of the unknown answer.

    The biased answer is the one that agrees with the stereotype: the stereotyped group for a negative
    question, the other group for one that is not negative. Groups are compared whole: "old" is no part of
    "nonOld", nor "African" of "African American". Where no group or both are stereotyped, `biased` is empty.

    Columns: context, question, ans0, ans1, ans2, label, biased, unknown, polarity, condition, category,
    group0, group1, group2, question_index.
    """
    for raw in parse_jsonl(content, where, options):
        row = raw.fields
        try:
            info = [row["answer_info"][f"ans{place}"] for place in range(3)]
            unknown = next(place for place in range(3) if info[place][1] == "unknown")
            yield Raw(
                raw.line,
                {
                    **{name: row[name] for name in ("context", "question", "ans0", "ans1", "ans2", "label")},
                    "biased": _biased_place(info, row),
                    "unknown": unknown,
                    "polarity": row["question_polarity"],
                    "condition": row["context_condition"],
                    "category": row["category"],
                    "question_index": row["question_index"],
                    **{f"group{place}": info[place][1] for place in range(3)},
                },
            )
        except (KeyError, TypeError, IndexError, StopIteration) as error:
            raise DataError(f"not a BBQ row: {error!r}.", where=Where(where, raw.line)) from None


def _biased_place(info: list[list[str]], row: Mapping[str, Any]) -> str:
    stereotyped = {_group(name) for name in row["additional_metadata"]["stereotyped_groups"]}
    people = [place for place in range(3) if info[place][1] != "unknown"]
    hit = [place for place in people if _groups_of(info[place]) & stereotyped]
    if len(people) != 2 or len(hit) != 1:
        return ""
    target = hit[0]
    other = people[1] if target == people[0] else people[0]
    return str(target if row["question_polarity"] == "neg" else other)


def _groups_of(answer: list[str]) -> set[str]:
    name, group = answer[0], answer[1]
    return {_group(part) for part in (name, group, *re.split("[-_]", group))}


def _group(name: str) -> str:
    plain = name.strip().casefold()
    return _SAME_GROUP.get(plain, plain)


def parse_winobias(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """WinoBias: numbered lines in which `[…]` marks the person and the pronouns.

    Lines stand in pairs on the same two occupations; the person of the partner line is the one that
    the pronoun does not mean (`other`, empty where the sentence does not name it).

    Columns: sentence, pronoun, referent, other, pair (the sentence without its pronouns), number.
    """
    lines = [(at, line.strip()) for at, line in enumerate(text_of(content, where).split("\n"), 1) if line.strip()]
    read = [_winobias_line(line, Where(where, at)) for at, line in lines]
    for index, (at, _) in enumerate(lines):
        row = read[index]
        partner = read[index ^ 1]["referent"] if index ^ 1 < len(read) else ""
        named = partner and partner != row["referent"] and partner.casefold() in row["sentence"].casefold()
        yield Raw(at, {**row, "other": partner if named else ""})


def _winobias_line(line: str, where: Where) -> dict[str, str]:
    number, _, text = line.partition(" ")
    marked = _MARKED.findall(text)
    pronouns = [part for part in marked if _PRONOUN.fullmatch(part.strip())]
    people = [part for part in marked if part not in pronouns]
    if not number.isdigit() or not pronouns or not people:
        raise DataError("expected a number, and a person and a pronoun in brackets.", where=where)
    return {
        "number": number,
        "sentence": text.replace("[", "").replace("]", ""),
        "pronoun": pronouns[0].strip(),
        "referent": re.sub(r"^(the|a|an)\s+", "", people[0].strip(), flags=re.IGNORECASE),
        "pair": re.sub(r"\s+", " ", _MARKED.sub(lambda m: "[]" if m.group(1) in pronouns else m.group(1), text)),
    }


def parse_winogender(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """Winogender's all_sentences.tsv: `occupation.participant.answer.gender.txt` and the sentence.

    Columns: sentence, pronoun, referent, other, occupation, participant, side (male, female, neutral), pair.
    """
    for at, line in enumerate(text_of(content, where).split("\n"), 1):
        name, _, sentence = line.partition("\t")
        if not sentence.strip() or name == "sentid":
            continue
        parts = name.split(".")
        pronoun = _PRONOUN.search(sentence)
        if len(parts) != 5 or parts[2] not in {"0", "1"} or pronoun is None:
            raise DataError("not a Winogender line.", where=Where(where, at))
        occupation, participant, answer, side = parts[:4]
        people = (occupation, participant)
        yield Raw(
            at,
            {
                "sentence": sentence.strip(),
                "pronoun": pronoun.group(1),
                "referent": people[int(answer)],
                "other": people[1 - int(answer)],
                "occupation": occupation,
                "participant": participant,
                "side": side,
                "pair": ".".join(parts[:3]),
                "refers_to": "participant" if answer == "1" else "occupation",
            },
        )


def parse_bold(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """BOLD: group → article → prompts, empty ones left out. Columns: group, article, prompt."""
    value = loaded(text_of(content, where), where, None)
    line = 0
    try:
        for group, articles in value.items():
            for article, prompts in articles.items():
                for prompt in prompts:
                    line += 1
                    if prompt.strip():
                        yield Raw(line, {"group": group, "article": article, "prompt": prompt})
    except (AttributeError, TypeError) as error:
        raise DataError(f"not a BOLD file: {error!r}.", where=Where(where)) from None


def parse_descriptors(content: bytes, where: str, options: Mapping[str, Any]) -> Iterator[Raw]:
    """HolisticBias's descriptors.json: axis → bucket → descriptors. Columns: axis, bucket, descriptor, preference."""
    value = loaded(text_of(content, where), where, None)
    line = 0
    try:
        for axis, buckets in value.items():
            for bucket, entries in buckets.items() if isinstance(buckets, dict) else [(axis, buckets)]:
                for entry in entries:
                    line += 1
                    plain = {"descriptor": entry} if isinstance(entry, str) else entry
                    yield Raw(
                        line,
                        {
                            "axis": axis,
                            "bucket": bucket,
                            "descriptor": plain["descriptor"],
                            "preference": plain.get("preference", ""),
                        },
                    )
    except (AttributeError, KeyError, TypeError) as error:
        raise DataError(f"not a list of descriptors: {error!r}.", where=Where(where)) from None
