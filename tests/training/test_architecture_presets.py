import pytest

from harness.core.errors import SuiteError
from harness.model_kinds.architecture_presets import ARCHITECTURES, architecture

_OBJECTIVES = {"bert": "mlm", "gpt2": "causal", "llama": "causal", "t5": "span_corruption"}


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_presets_are_configurations(name: str) -> None:
    from transformers import AutoConfig

    preset = ARCHITECTURES[name]
    sizes = architecture(name, _OBJECTIVES[preset["model_type"]])
    config = AutoConfig.for_model(**sizes)
    assert config.hidden_size % config.num_attention_heads == 0
    for key, value in sizes.items():
        assert getattr(config, key) == value, "transformers knows every key"


def test_published_sizes() -> None:
    tiny, mini = architecture("bert-tiny"), architecture("bert-mini")
    assert (tiny["num_hidden_layers"], tiny["hidden_size"], tiny["num_attention_heads"]) == (2, 128, 2)
    assert (mini["num_hidden_layers"], mini["hidden_size"], mini["num_attention_heads"]) == (4, 256, 4)


def test_given_sizes_complete_the_preset() -> None:
    assert architecture({"hidden_size": 64})["num_hidden_layers"] == ARCHITECTURES["bert-micro"]["num_hidden_layers"]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("bert-mikro", "Did you mean 'bert-micro'"),
        ({"hiden_size": 64}, "Did you mean 'hidden_size'"),
        ({"vocab_size": 64}, "follows from the tokenizer"),
        ({"hidden_size": 65}, "not a multiple"),
        ({"hidden_size": 0}, "whole number above 0"),
        ({"num_hidden_layers": 1.5}, "whole number above 0"),
        ({"model_type": "gpt2"}, "'mlm' trains a model that reads both sides .*'gpt2'"),
    ],
)
def test_unfit_architectures_are_refused(named: object, said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        architecture(named)


@pytest.mark.parametrize(
    ("named", "objective", "said", "hint"),
    [
        ("gpt-mini", "mlm", "reads both sides", "objective: causal"),
        ("bert-mini", "causal", "reads from the left", "objective: mlm"),
        ("t5-tiny", "causal", "reads from the left", "objective: span_corruption"),
        ("llama-tiny", "span_corruption", "sequence-to-sequence", "objective: causal"),
        ({"model_type": "roberta"}, "mlm_nsp", "pair head", "objective: mlm"),
        ({"model_type": "llama", "hidden_size": 60, "num_attention_heads": 7}, "causal", "not a multiple", ""),
    ],
)
def test_objectives_train_what_they_can(named: object, objective: str, said: str, hint: str) -> None:
    with pytest.raises(SuiteError, match=said) as caught:
        architecture(named, objective)
    assert hint in (caught.value.hint or "")


def test_other_transformers_configurations_are_handed_on() -> None:
    given = {"model_type": "gpt_neox", "hidden_size": 32, "num_hidden_layers": 1}
    assert architecture(given, "causal") == given


def test_each_objective_has_a_smallest_preset() -> None:
    assert architecture(None, "causal")["model_type"] == "gpt2"
    assert architecture(None, "span_corruption")["model_type"] == "t5"
