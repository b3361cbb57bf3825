from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from harness_support.plain_models import dataset, made
from sacrebleu.metrics import BLEU, TER

from harness.core.errors import DataError, SuiteError
from harness.core.evaluation import EvaluationContext
from harness.core.metric import MetricContext
from harness.core.reporter import Silent
from harness.data.open_dataset import open_dataset
from harness.evaluations.tasks.generative_qa import GenerativeQA
from harness.evaluations.tasks.summarization import Summarization
from harness.evaluations.tasks.translation import Translation
from harness.metrics.build_metrics import build_metrics
from harness.metrics.capability import text_tokenizers
from harness.metrics.capability.answer_match import normalization_faults, number_in, numeric_match_of, plain_match_of
from harness.metrics.capability.bleu_chrf_ter import signature, translation_statistics
from harness.metrics.capability.rouge import rouge_statistics
from harness.metrics.capability.text_tokenizers import bleu_tokenizer, check_tokenizer, rouge_tokenizer
from harness.schema.suite.data_refs import FileRef
from harness.storage.store import Store

CHINESE = [("他昨天在北京买了一本新书", "他昨天在北京买了一本旧书"), ("我们今天去上海。", "我们今天去北京。")]


def value(name: str, rows: list[dict[str, float]]) -> float:
    (metric,) = build_metrics([name], MetricContext())
    width = sum(key.startswith(f"{name}.") for key in rows[0])
    return float(metric.value(np.array([[row[f"{name}.{k}"] for k in range(width)] for row in rows]).sum(0), len(rows)))


def task(cls, language: str | None, **options):
    given = {"data": "d", "prompt": "{source}", "target": "target", **options}
    return cls("t", cls.Options.model_validate(given), EvaluationContext(languages={"d": language} if language else {}))


def test_bleu_and_ter_of_chinese_are_sacrebleus() -> None:
    rows = [translation_statistics(text, [reference], tokenize="zh") for text, reference in CHINESE]
    texts, references = [text for text, _ in CHINESE], [[reference for _, reference in CHINESE]]
    assert value("bleu", rows) == pytest.approx(BLEU(tokenize="zh").corpus_score(texts, references).score)
    wanted = TER(normalized=True, asian_support=True).corpus_score(texts, references).score
    assert value("ter", rows) == pytest.approx(wanted)
    assert "tok:zh" in signature("bleu", 1, "zh")


def test_the_declared_language_chooses_the_tokenizer() -> None:
    assert [bleu_tokenizer(tag) for tag in (None, "de", "zh-Hans", "ja_JP", "KO", "th")] == [
        *("13a", "13a", "zh", "ja-mecab", "ko-mecab", "flores200")
    ]
    assert [rouge_tokenizer(tag) for tag in (None, "en-US", "ru", "zh")] == ["ascii", "ascii", "unicode", "zh"]
    assert task(Translation, "zh").tokenizer == "zh"
    assert any("tok:zh" in caveat for caveat in task(Translation, "zh").caveats)
    assert task(Translation, "zh", tokenize="char").tokenizer == "char"
    assert task(Summarization, "zh").tokenizer == task(GenerativeQA, "zh").tokenizer == "zh"


def test_the_language_of_the_data_is_part_of_what_is_measured() -> None:
    assert task(Translation, "zh").spec() != task(Translation, None).spec()
    assert task(Summarization, None).spec() == task(Summarization, "en").spec()
    assert "tokenize" not in task(Translation, None).spec()["options"]


@pytest.mark.parametrize(
    ("name", "package"), [("ja-mecab", "MeCab"), ("ko-mecab", "mecab_ko"), ("flores200", "sentencepiece")]
)
def test_a_missing_package_is_named_with_what_to_do(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_tokenizers, "find_spec", lambda module: None)
    with pytest.raises(SuiteError, match=f"'{name}' needs the packages {package}") as error:
        check_tokenizer(name, "task 't'")
    assert "pip install" in str(error.value.hint)
    assert "sacrebleu" in sys.modules


def test_rouge_of_other_scripts() -> None:
    text, reference = "今天天气很好", "今天天气很坏"
    assert rouge_statistics(text, [reference])["rouge1"] == 0.0
    assert rouge_statistics(text, [reference], "zh")["rouge1"] == pytest.approx(5 / 6)
    assert rouge_statistics("Мой дом", ["мой дом"], "unicode")["rouge2"] == 1.0
    assert rouge_statistics("नमस्ते दुनिया", ["नमस्ते"], "unicode")["rouge1"] == pytest.approx(2 / 3)


def test_texts_that_the_tokenizer_does_not_split_are_a_warning() -> None:
    rows = dataset([{"source": "x", "target": "今天天气很好"}, {"source": "y", "target": "我们"}])
    for cls in (Translation, Summarization):
        (warning,) = task(cls, None).warnings([rows], "test")
        assert "Declare the data's `language`" in warning
        assert task(cls, "zh").warnings([rows], "test") == []


@pytest.mark.parametrize("cls", [Translation, Summarization])
@pytest.mark.parametrize("empty", ["", "  ", "[]", '[""]'])
def test_an_empty_reference_is_an_error_with_its_place(cls, empty: str) -> None:
    rows = dataset([{"source": "x", "target": "a"}, {"source": "y", "target": empty}])
    with pytest.raises(DataError, match=r"row .*: the reference in the column 'target' is empty"):
        list(task(cls, None).items([rows], "test"))


def test_the_place_is_the_line_of_the_users_file(tmp_path: Path) -> None:
    """Also after the rows come from the cache, and in whatever order the splits put them."""
    targets = ["a", "b", "c", "d"]
    file = tmp_path / "rows.csv"
    file.write_text("source,target\n" + "".join(f"x {text},{text}\n" for text in targets) + "y,?\n")
    ref = FileRef(file="rows.csv", splits={"test": 1.0})
    for _ in range(2):
        opened = open_dataset(ref, name="d", base=tmp_path, store=Store(tmp_path / "cache"), reporter=Silent())
        places = {row.fields["target"]: opened.place(row) for row in opened.rows["test"]}
        assert places == {text: f"data 'd', rows.csv:{line}" for line, text in enumerate([*targets, "?"], 2)}
    file.write_text("source,target\n" + "".join(f"x {text},{text}\n" for text in targets) + "y,\n")
    opened = open_dataset(ref, name="d", base=tmp_path, store=Store(tmp_path / "cache"), reporter=Silent())
    with pytest.raises(DataError, match=r"data 'd', rows.csv:6: the reference in the column 'target' is empty"):
        list(task(Translation, None).items([opened], "test"))


def test_squads_form_stands_beside_a_plain_and_a_numeric_one() -> None:
    pairs = [("1.5", "15"), ("35", "3.5"), ("-5", "5"), ("the", "A"), ("B", "B"), ("C#", "C")]
    assert [plain_match_of(given, [gold]) for given, gold in pairs] == [0, 0, 0, 0, 1, 0]
    assert [numeric_match_of(given, [gold]) for given, gold in [*pairs, ("1,500.0", "1500"), ("$3.50", "3.5")]] == [
        *(0, 0, 0, 0, 1, 0, 1, 1)
    ]
    assert numeric_match_of("12", ["twelve", "12.0"]) == 1
    assert numeric_match_of("", []) == plain_match_of("", []) == 1
    assert [number_in(text) for text in ("1,50", "1.2.3", "12 cats", "−4")] == [None, None, None, -4]
    qa = made(GenerativeQA, prompt="{q}", target="target")
    assert {"squad_exact_match", "exact_match_strict", "exact_match_numeric"} <= set(qa.provides)


def test_targets_that_normalization_empties_or_merges_are_a_warning() -> None:
    assert normalization_faults(["A", "?!", "a cat", "The cat.", "1.5", "15", "B"]) == (["A", "?!"], [("1.5", "15")])
    rows = dataset([{"source": f"x{text}", "target": text} for text in ("A", "1.5", "15")])
    (warning,) = task(GenerativeQA, None).warnings([rows], "test")
    assert "empties 1 targets ('A')" in warning.replace("punctuation", "")
    assert "'1.5' and '15'" in warning
    assert task(GenerativeQA, None, metrics=["exact_match_strict"]).warnings([rows], "test") == []


def test_macro_f1_is_over_the_labels_of_the_targets_on_both_sides() -> None:
    from sklearn.metrics import f1_score

    import harness

    rng = np.random.default_rng(1)
    gold = rng.choice(["neg", "pos"], 200).astype("U8")
    other = np.where(gold == "neg", "pos", "neg").astype("U8")
    base, candidate = (np.where(rng.random(200) < share, gold, other).astype("U8") for share in (0.91, 0.72))
    base[:3] = "mixed"
    sides = [{"id": list(range(200)), "target": list(gold), "prediction": list(side)} for side in (base, candidate)]
    for labels in (None, ["neg", "mixed", "pos"]):
        found = harness.compare(*sides, metrics=["f1_macro"], labels=labels, resamples=200)["f1_macro"]
        for got, side in ((found.baseline_value, base), (found.candidate_value, candidate)):
            assert got == pytest.approx(f1_score(gold, side, labels=["neg", "pos"], average="macro"))
        verdict = harness.judge(
            harness.compare(*sides, metrics=["f1_macro"], labels=labels, resamples=200),
            [{"id": "better", "metric": "f1_macro", "kind": "superiority"}],
        )
        assert verdict.results[0].verdict == "fail"


def test_open_answers_start_no_macro_f1_by_themselves() -> None:
    from harness.api.measures import default_measures

    assert default_measures([], [f"answer {number}" for number in range(3000)]) == ["accuracy"]
    assert default_measures([], [f"answer {number}" for number in range(21)]) == ["accuracy"]
    assert default_measures([], [str(number % 100) for number in range(1000)]) == ["accuracy", "f1_macro"]
    assert default_measures([], ["a", "b", "c"]) == ["accuracy", "f1_macro"]


def test_a_tokenizer_without_its_model_file_is_refused_and_nothing_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("harness.metrics.capability.text_tokenizers.find_spec", lambda name: object())
    monkeypatch.setenv("SACREBLEU", str(tmp_path))
    with pytest.raises(SuiteError, match="the model file of the tokenizer 'flores200' is not in"):
        check_tokenizer("flores200", "task 'news'")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "flores200sacrebleuspm").write_bytes(b"")
    check_tokenizer("flores200", "task 'news'")


@pytest.mark.parametrize(
    ("tokenizer", "text", "reference"),
    [
        ("ja-mecab", "猫は庭で静かに眠っています。", "猫は庭で眠っている。"),
        ("ko-mecab", "고양이가 정원에서 조용히 자고 있다.", "고양이가 정원에서 자고 있습니다."),
    ],
)
def test_bleu_of_tokenizers_that_are_installed_is_sacrebleus(tokenizer: str, text: str, reference: str) -> None:
    try:
        check_tokenizer(tokenizer, "test")
    except SuiteError as error:
        pytest.skip(f"{error.message} {error.hint}")
    made_here = value("bleu", [translation_statistics(text, [reference], ("bleu",), tokenizer)])
    assert made_here == pytest.approx(BLEU(tokenize=tokenizer).corpus_score([text], [[reference]]).score, abs=1e-9)
