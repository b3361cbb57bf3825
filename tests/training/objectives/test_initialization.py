import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from harness.training.objectives.initialization import informed_start, word_size

_VOCABULARY, _HIDDEN, _HEADS = 40, 64, 4


def _model(heads: int = _HEADS) -> tuple[BertForMaskedLM, np.ndarray, np.ndarray]:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=_VOCABULARY,
        hidden_size=_HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=heads,
        intermediate_size=64,
        max_position_embeddings=40,
    )
    model = BertForMaskedLM(config)
    model.eval()
    vectors = np.random.default_rng(0).standard_normal((_VOCABULARY, word_size(_HIDDEN, heads))).astype(np.float32)
    vectors[:6] = 0
    frequencies = np.arange(_VOCABULARY, dtype=np.float64)
    informed_start(model, vectors, frequencies, seed=0)
    return model, vectors, frequencies


def test_embeddings_are_the_vectors_and_the_bias_the_word_frequencies() -> None:
    model, vectors, frequencies = _model()
    weight = model.bert.embeddings.word_embeddings.weight.detach().numpy()
    assert np.allclose(weight[6:, : vectors.shape[1]] / vectors[6:], 0.1)
    assert not weight[0].any()
    assert weight[1].any()
    shares = np.exp(model.cls.predictions.bias.detach().numpy())
    assert np.allclose(shares, (frequencies + 1) / (frequencies + 1).sum())
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight


def test_heads_look_left_right_near_and_everywhere() -> None:
    model, _, _ = _model()
    model.set_attn_implementation("eager")
    ids = torch.randint(6, _VOCABULARY, (1, 30))
    attention = model(ids, output_attentions=True).attentions[0][0].detach().numpy()
    places = np.arange(5, 25)
    assert (attention[0, places].argmax(axis=1) == places - 1).mean() > 0.7
    assert (attention[1, places].argmax(axis=1) == places + 1).mean() > 0.7
    assert (np.abs(attention[2, places].argmax(axis=1) - places) <= 1).mean() > 0.8
    assert attention[3].max() < 0.2


def test_a_rotation_and_its_transpose_pass_words_through() -> None:
    model, _, _ = _model()
    layer = model.bert.encoder.layer[0].attention
    product = layer.output.dense.weight @ layer.self.value.weight
    assert torch.allclose(product, torch.eye(_HIDDEN), atol=1e-5)


@pytest.mark.parametrize(("hidden", "heads", "size"), [(128, 4, 112), (128, 2, 112), (64, 8, 64), (16, 1, 16)])
def test_positions_take_coordinates_only_where_heads_can_read_them(hidden: int, heads: int, size: int) -> None:
    assert word_size(hidden, heads) == size


def test_heads_too_small_for_positions_start_as_they_are() -> None:
    model, vectors, _ = _model(heads=8)
    assert vectors.shape[1] == _HIDDEN
    assert model.bert.embeddings.position_embeddings.weight.abs().max() < 0.2
