"""Documents of our own in the shape of the data sets that tasks of lm-evaluation-harness read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]

ANIMALS = ("cat", "dog", "owl", "fox", "hen", "cow", "bee", "ant", "bat", "elk", "yak", "pig")
PLACES = ("in the barn", "near the river", "on the hill", "under the old bridge", "behind the house")


def _story(number: int) -> str:
    return f"The {ANIMALS[number % 12]} slept {PLACES[number % 5]} for {number + 2} hours."


def _options(number: int) -> list[str]:
    return [f"the {ANIMALS[(number + shift) % 12]} {PLACES[(number + shift) % 5]}" for shift in range(4)]


def _letters(number: int) -> Row:
    return {"text": _options(number), "label": ["A", "B", "C", "D"]}


def _five(number: int) -> Row:
    return {"text": [*_options(number), "none of them"], "label": ["A", "B", "C", "D", "E"]}


def _pair(number: int) -> Row:
    return {"sentence1": _story(number), "sentence2": _story(number + 3), "label": number % 2}


def _entailment(number: int) -> Row:
    return {"premise": _story(number), "hypothesis": _story(number + 5), "label": number % 3}


def _hellaswag(number: int) -> Row:
    return {
        "activity_label": "Farming",
        "ctx_a": _story(number),
        "ctx_b": "then it",
        "label": str(number % 4),
        "endings": [f"[step] {option} woke up." for option in _options(number)],
    }


def _truthful(number: int) -> Row:
    choices = [f"{option.capitalize()}." for option in _options(number)]
    return {
        "question": f"Where did the {ANIMALS[number % 12]} sleep?",
        "mc1_targets": {"choices": choices, "labels": [1, 0, 0, 0]},
        "mc2_targets": {"choices": choices, "labels": [1, int(number % 2 == 0), 0, 0]},
    }


def _gpqa(number: int) -> Row:
    options = _options(number)
    wrong = {f"Incorrect Answer {place}": options[place] for place in (1, 2, 3)}
    return {"Question": f"Which one is {number}?", "Correct Answer": options[0], **wrong}


def _race(number: int) -> Row:
    letters = "ABCD"
    problems = [
        {
            "question": f"Who slept {place}?",
            "answer": letters[(number + place) % 4],
            "options": _options(number + place),
        }
        for place in range(2)
    ]
    return {"article": " ".join(_story(number + shift) for shift in range(3)), "problems": str(problems)}


def _drop(number: int) -> Row:
    blank = {"number": "", "date": {"day": "", "month": "", "year": ""}, "spans": [], "worker_id": "", "hit_id": ""}
    answer = {**blank, "number": str(number + 2)}
    return {
        "query_id": f"q{number}",
        "passage": _story(number),
        "question": "How many hours did it sleep?",
        "answer": answer,
        "validated_answers": {key: [value] for key, value in answer.items()},
    }


def _headqa(number: int) -> Row:
    answers = [{"aid": place + 1, "atext": option} for place, option in enumerate(_options(number))]
    return {"qtext": f"Which one slept {number + 2} hours?", "answers": answers, "ra": number % 4 + 1}


def _mathqa(number: int) -> Row:
    values = ", ".join(f"{letter} ) {number * 3 + place}" for place, letter in enumerate("abcde"))
    return {"Problem": f"What is {number} times three?", "options": values, "correct": "a"}


def _sentence_choice(number: int) -> Row:
    return {"sentence_good": _story(number), "sentence_bad": " ".join(reversed(_story(number).split()))}


def _story_cloze(number: int) -> Row:
    before = {f"input_sentence_{place}": _story(number + place) for place in (1, 2, 3, 4)}
    endings = {"sentence_quiz1": _story(number + 7), "sentence_quiz2": _story(number + 9)}
    return {**before, **endings, "answer_right_ending": number % 2 + 1}


def _winogrande(number: int) -> Row:
    first, second = ANIMALS[number % 12], ANIMALS[(number + 5) % 12]
    sentence = f"The {first} chased the {second} because the _ was hungry {PLACES[number % 5]}."
    return {"sentence": sentence, "option1": first, "option2": second, "answer": str(number % 2 + 1)}


def _copa(number: int) -> Row:
    question = ("cause", "effect")[number % 2]
    return {
        "premise": _story(number),
        "question": question,
        "label": number % 2,
        "choice1": f"It was {PLACES[number % 5]}.",
        "choice2": "The night was cold.",
    }


def _wic(number: int) -> Row:
    row = _pair(number)
    return {**row, "start1": 4, "end1": 7, "start2": 4, "end2": 7, "word": row["sentence1"][4:7]}


def _eq(number: int) -> Row:
    reference = {f"emotion{place}": name for place, name in enumerate(("joy", "fear", "anger", "calm"), 1)}
    scores = {f"emotion{place}_score": str((number + place) % 10) for place in range(1, 5)}
    return {"prompt": f"{_story(number)}\njoy: ", "reference_answer_fullscale": str({**reference, **scores})}


def _math(number: int) -> Row:
    return {
        "problem": f"Compute {number} + 2.",
        "solution": f"The sum is $\\boxed{{{number + 2}}}$.",
        "level": "Level 1",
    }


_SAME_HOURS = "How many hours did it sleep?"

DOCUMENTS: Mapping[str, tuple[tuple[str, ...], Callable[[int], Row]]] = {
    "hellaswag": (("train", "validation"), _hellaswag),
    "winogrande": (("train", "validation"), _winogrande),
    "truthfulqa_mc1": (("validation",), _truthful),
    "truthfulqa_mc2": (("validation",), _truthful),
    "gpqa_main_zeroshot": (("train",), _gpqa),
    "mmlu_pro_biology": (
        ("validation", "test"),
        lambda n: {
            "question": f"Which one slept {n + 2} hours?",
            "options": _options(n),
            "category": "biology",
            "cot_content": "A: Let's think step by step. It was tired. The answer is (A).",
            "answer": "A",
        },
    ),
    "wikitext": (
        ("train", "validation", "test"),
        lambda n: {"page": f" = Farm {n} = \n {_story(n)} It cost 1 @,@ 200 . "},
    ),
    "pile_10k": (("train",), lambda n: {"text": " ".join(_story(n + k) for k in range(4))}),
    "c4": (("train", "validation"), lambda n: {"text": _story(n) + " That 's all ."}),
    "bbh_cot_fewshot_date_understanding": (("test",), lambda n: {"input": _story(n), "target": "(A)"}),
    "bbh_zeroshot_navigate": (("test",), lambda n: {"input": _story(n), "target": ("Yes", "No")[n % 2]}),
    "crows_pairs_english": (("test",), lambda n: {"sent_more": _story(n), "sent_less": _story(n + 4)}),
    "toxigen": (
        ("train", "test"),
        lambda n: {"text": _story(n), "toxicity_ai": n % 5 + 0.5, "toxicity_human": n % 4 + 0.5},
    ),
    "arc_challenge": (
        ("train", "validation", "test"),
        lambda n: {"question": _SAME_HOURS, "choices": _letters(n), "answerKey": "ABCD"[n % 4]},
    ),
    "boolq": (
        ("train", "validation"),
        lambda n: {"passage": _story(n), "question": "did it sleep", "label": n % 2, "idx": n},
    ),
    "piqa": (
        ("train", "validation"),
        lambda n: {"goal": _story(n), "sol1": _options(n)[0], "sol2": _options(n)[1], "label": n % 2},
    ),
    "social_iqa": (
        ("train", "validation"),
        lambda n: {
            "context": _story(n),
            "question": "Why?",
            "label": str(n % 3 + 1),
            **dict(zip(("answerA", "answerB", "answerC"), _options(n), strict=False)),
        },
    ),
    "openbookqa": (
        ("train", "validation", "test"),
        lambda n: {"question_stem": _story(n), "choices": _letters(n), "answerKey": "ABCD"[n % 4]},
    ),
    "commonsense_qa": (
        ("train", "validation"),
        lambda n: {"question": _SAME_HOURS, "choices": _five(n), "answerKey": "ABCDE"[n % 5]},
    ),
    "copa": (("train", "validation"), _copa),
    "cb": (("train", "validation"), _entailment),
    "rte": (("train", "validation"), _pair),
    "wic": (("train", "validation"), _wic),
    "multirc": (
        ("train", "validation"),
        lambda n: {"paragraph": _story(n), "question": _SAME_HOURS, "answer": f"{n + 2}", "label": n % 2},
    ),
    "mnli": (("train", "validation_matched"), _entailment),
    "mrpc": (("train", "validation"), _pair),
    "cola": (("train", "validation"), lambda n: {"sentence": _story(n), "label": n % 2}),
    "sst2": (("train", "validation"), lambda n: {"sentence": _story(n), "label": n % 2}),
    "lambada_openai": (("test",), lambda n: {"text": _story(n).rstrip(".")}),
    "lambada_openai_cloze_yaml": (("test",), lambda n: {"text": _story(n).rstrip(".")}),
    "triviaqa": (
        ("train", "validation"),
        lambda n: {"question": "Who slept", "answer": {"aliases": [ANIMALS[n % 12], "the animal"]}},
    ),
    "nq_open": (("train", "validation"), lambda n: {"question": "who slept", "answer": [ANIMALS[n % 12], "nobody"]}),
    "drop": (("train", "validation"), _drop),
    "race": (("test",), _race),
    "sciq": (
        ("train", "validation", "test"),
        lambda n: {
            "support": _story(n),
            "question": "Who?",
            "correct_answer": _options(n)[3],
            **{f"distractor{place + 1}": _options(n)[place] for place in range(3)},
        },
    ),
    "logiqa": (
        ("train", "validation", "test"),
        lambda n: {"context": _story(n), "question": "Who?", "options": _options(n), "label": "abcd"[n % 4]},
    ),
    "medqa_4options": (
        ("train", "validation", "test"),
        lambda n: {"sent1": _story(n), **{f"ending{place}": _options(n)[place] for place in range(4)}, "label": n % 4},
    ),
    "pubmedqa": (
        ("train", "validation", "test"),
        lambda n: {
            "CONTEXTS": [_story(n), _story(n + 1)],
            "QUESTION": "Did it sleep?",
            "final_decision": ("yes", "no", "maybe")[n % 3],
        },
    ),
    "gsm8k": (
        ("train", "test"),
        lambda n: {"question": f"What is {n} + 2?", "answer": f"It is {n + 2}.\n#### {n + 2}"},
    ),
    "mathqa": (("train", "validation", "test"), _mathqa),
    "asdiv": (
        ("validation",),
        lambda n: {"body": _story(n), "question": _SAME_HOURS, "answer": f"{n + 2} (hours)"},
    ),
    "blimp_adjunct_island": (("train",), _sentence_choice),
    "wmt16-en-de": (
        ("train", "validation", "test"),
        lambda n: {"translation": {"en": _story(n), "de": f"Das Tier schlief {n + 2} Stunden."}},
    ),
    "anli_r1": (("train_r1", "dev_r1", "test_r1"), _entailment),
    "headqa_en": (("train", "validation", "test"), _headqa),
    "webqs": (("train", "test"), lambda n: {"question": "who slept?", "answers": [_options(n)[0], ANIMALS[n % 12]]}),
    "belebele_eng_Latn": (
        ("test",),
        lambda n: {
            "flores_passage": _story(n),
            "question": "Who?",
            "correct_answer_num": str(n % 4 + 1),
            **{f"mc_answer{place + 1}": _options(n)[place] for place in range(4)},
        },
    ),
    "storycloze_2016": (("validation", "test"), _story_cloze),
    "mmlu_anatomy": (
        ("dev", "test"),
        lambda n: {"question": _SAME_HOURS, "choices": _options(n), "answer": n % 4, "subject": "anatomy"},
    ),
    "swag": (
        ("train", "validation"),
        lambda n: {"startphrase": _story(n), **{f"ending{k}": _options(n)[k] for k in range(4)}, "label": n % 4},
    ),
    "eq_bench": (("validation",), _eq),
    "hendrycks_math_algebra": (("train", "test"), _math),
}
"""Task → (its splits, what makes its document of a number)."""


def write_documents(folder: Path, task: str, count: int = 9) -> dict[str, str]:
    """Writes a task's documents, one file a split; returns what `documents` of a suite says."""
    splits, make = DOCUMENTS[task]
    files = {}
    for place, split in enumerate(splits):
        name = f"{task}-{split}.jsonl"
        lines = [json.dumps(make(number + 100 * place)) for number in range(count)]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        files[split] = name
    return files
