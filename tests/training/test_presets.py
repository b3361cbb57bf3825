import pytest

from harness.core.errors import SuiteError
from harness.training.presets import ARCHITECTURES, architecture


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_presets_are_configurations(name: str) -> None:
    sizes = architecture(name)
    assert sizes["model_type"] == "bert"
    assert sizes["hidden_size"] % sizes["num_attention_heads"] == 0


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
        ({"hidden_size": 65}, "no multiple"),
        ({"hidden_size": 0}, "whole number above 0"),
        ({"num_hidden_layers": 1.5}, "whole number above 0"),
        ({"model_type": "gpt2"}, "expected model_type 'bert'"),
    ],
)
def test_unfit_architectures_are_refused(named: object, said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        architecture(named)
