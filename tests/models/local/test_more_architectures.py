"""Architectures that pad, cache, scale positions or name their parts in ways of their own, against plain forwards."""

from __future__ import annotations

import pytest
import torch
import transformers
from harness_support import model_zoo
from harness_support.model_zoo import SMALL, TEXTS, WIDE
from harness_support.plain_reference import close

from harness.core.errors import CheckpointError
from harness.core.reporter import Silent
from harness.core.requests import (
    Continuations,
    Embed,
    ExtractSpan,
    Failure,
    Generate,
    PseudoLikelihood,
    RollingLikelihood,
)
from harness.models.checkpoint.inspection import inspect

LONG = 64
SIDES = {
    f"{side}_{name}": value
    for side in ("encoder", "decoder")
    for name, value in {"layers": 2, "attention_heads": 4, "ffn_dim": 64}.items()
}
ROPE = {"rope_type": "longrope", "short_factor": [1.0] * 4, "long_factor": [4.0, 3.0, 2.0, 5.0]}


def made(folder, auto, config, tokenizer, change=lambda model: None):
    """A checkpoint of a configuration with random weights."""
    torch.manual_seed(1)
    model = getattr(transformers, auto).from_config(config)
    change(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def configured(name, tokenizer, **more):
    ids = {kind: getattr(tokenizer, kind) for kind in ("pad_token_id", "bos_token_id", "eos_token_id")}
    return getattr(transformers, name)(**{"vocab_size": len(tokenizer), **ids, **more})


def masked(name, folder, change=lambda model: None, **more):
    tokenizer = model_zoo.wordpiece()
    config = configured(name, tokenizer, **{**SMALL, **WIDE, "max_position_embeddings": LONG, **more})
    return made(folder, "AutoModelForMaskedLM", config, tokenizer, change)


def causal(name, folder, tokenizer=None, **more):
    tokenizer = tokenizer or model_zoo.gpt2_tokenizer()
    return made(folder, "AutoModelForCausalLM", configured(name, tokenizer, **more), tokenizer)


@torch.no_grad()
def plain_pll(folder, text):
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(text)["input_ids"]
    total = 0.0
    for place in range(1, len(ids) - 1):
        copy = torch.tensor([ids])
        copy[0, place] = tokenizer.mask_token_id
        total += torch.log_softmax(model(input_ids=copy).logits[0, place].double(), -1)[ids[place]].item()
    return total


@torch.no_grad()
def logits_of(model, ids):
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].double()


def greedy(folder, prompt, count):
    """Tokens and log-likelihood by reading the whole text for every token, with a fresh model."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids, total = tokenizer(prompt)["input_ids"], 0.0
    begin = len(ids)
    for _ in range(count):
        values = torch.log_softmax(logits_of(model, ids)[-1], -1)
        ids = [*ids, int(values.argmax())]
        total += values[ids[-1]].item()
        if ids[-1] == tokenizer.eos_token_id:
            break
    return len(ids) - begin, total


def loud_padding(model):
    """Trained checkpoints may hold any numbers in the row of the padding token."""
    model.get_input_embeddings().weight.data[0] = 2.0


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("ConvBertConfig", {"embedding_size": 32, "head_ratio": 2, "conv_kernel_size": 5}),
        ("FNetConfig", {"num_attention_heads": None}),
        ("MobileBertConfig", {"embedding_size": 32, "intra_bottleneck_size": 32, "true_hidden_size": 32}),
        ("YosoConfig", {"use_expectation": True}),
        ("FunnelConfig", {"block_sizes": [1, 1], "d_model": 32, "n_head": 4, "d_head": 8, "d_inner": 64}),
    ],
)
def test_models_that_look_into_the_padding_read_rows_of_one_length(name, more, tmp_path, opened):
    if name == "FunnelConfig":
        tokenizer = model_zoo.wordpiece()
        config = configured(name, tokenizer, initializer_std=0.3, **more)
        made(tmp_path, "AutoModelForMaskedLM", config, tokenizer)
    else:
        masked(name, tmp_path, loud_padding, **{key: value for key, value in more.items() if value is not None})
    texts = [TEXTS[0] + end for end in ("", " a", " a a", " a a a")]
    model = opened(tmp_path)
    assert any("one length" in note for note in model.facts.notes)
    assert model.facts.answer_key["rows"] == "of one length"
    for request, answer in model.answer([PseudoLikelihood(text, "pll") for text in texts]):
        assert close(answer.total, plain_pll(tmp_path, request.text)), request.text


def test_models_that_do_not_are_padded(zoo, opened):
    for kind in ("bert", "roberta", "deberta", "gpt2", "t5", "bart"):
        facts = opened(zoo(kind)).facts
        assert "rows" not in facts.answer_key
        assert not any("one length" in note for note in facts.notes)


def test_sparse_attention_does_not_depend_on_what_was_read_before(tmp_path, opened):
    """transformers' BigBird turns to full attention for good with the first short row."""
    tokenizer = model_zoo.roberta_tokenizer()
    sparse = {"attention_type": "block_sparse", "block_size": 4, "num_random_blocks": 1}
    config = configured("BigBirdConfig", tokenizer, **SMALL, **WIDE, **sparse, max_position_embeddings=128)
    made(tmp_path, "AutoModelForMaskedLM", config, tokenizer)
    long = PseudoLikelihood(" ".join(TEXTS[:3]), "pll")
    ((_, first),) = opened(tmp_path).answer([long])
    model = opened(tmp_path)
    list(model.answer([PseudoLikelihood("a film", "pll")]))
    ((_, later),) = model.answer([long])
    assert first.tokens > 60
    assert close(later.total, first.total)


def test_a_model_of_one_text_length_is_refused(tmp_path, opened):
    masked("NystromformerConfig", tmp_path, num_landmarks=4, segment_means_seq_len=LONG)
    with pytest.raises(CheckpointError, match="cannot read a short text"):
        opened(tmp_path)


def test_a_bidirectional_model_says_no_likelihoods_from_the_left(tmp_path, opened):
    """XLNet is among transformers' causal models, but reads both sides unless it is told not to."""
    causal("XLNetConfig", tmp_path, d_model=32, n_layer=2, n_head=4, d_inner=64, **WIDE)
    model = opened(tmp_path)
    ((_, answer),) = model.answer([RollingLikelihood(TEXTS[0])])
    assert isinstance(answer, Failure)
    assert answer.reason == "unsupported"
    assert any("behind a token" in note for note in model.facts.notes)


@pytest.mark.parametrize("name", ["XLMConfig", "FlaubertConfig"])
def test_xlm_is_a_masked_model_unless_it_says_causal(name, tmp_path, opened):
    tokenizer = model_zoo.roberta_tokenizer()
    sizes = {"emb_dim": 32, "n_layers": 2, "n_heads": 4, "embed_init_std": 0.3, "init_std": 0.3}
    for causal_too in (False, True):
        config = configured(name, tokenizer, max_position_embeddings=LONG, causal=causal_too, **sizes)
        made(tmp_path, "AutoModelForMaskedLM", config, tokenizer)
        assert inspect(tmp_path).family == ("causal" if causal_too else "masked")
    config = configured(name, tokenizer, max_position_embeddings=LONG, **sizes)
    made(tmp_path, "AutoModelForMaskedLM", config, tokenizer)
    ((request, answer),) = opened(tmp_path).answer([PseudoLikelihood(TEXTS[0], "pll")])
    assert close(answer.total, plain_pll(tmp_path, request.text))


def test_a_span_head_that_is_called_classifier_is_none_of_classes(tmp_path, opened):
    tokenizer = model_zoo.wordpiece()
    more = {"max_position_embeddings": LONG, "local_attention": 8, "global_attn_every_n_layers": 2}
    config = configured("ModernBertConfig", tokenizer, **SMALL, **WIDE, **more, cls_token_id=2, sep_token_id=3)
    made(tmp_path, "AutoModelForQuestionAnswering", config, tokenizer)
    model = opened(tmp_path)
    assert {"extract_span"} == model.facts.supports - {"embed", "rank"}
    ((_, answer),) = model.answer([ExtractSpan("Who is happy?", TEXTS[0], null_allowed=False)])
    assert answer.text in TEXTS[0]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("MambaConfig", {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8, **WIDE}),
        ("OpenAIGPTConfig", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": LONG, **WIDE}),
        (
            "Lfm2Config",
            {**SMALL, **WIDE, "num_key_value_heads": 2, "layer_types": ["conv", "full_attention"], "pad_token_id": 0},
        ),
        ("MptConfig", {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": LONG, "expansion_ratio": 2, **WIDE}),
    ],
)
def test_models_without_a_plain_cache_write_greedily(name, more, tmp_path, opened):
    causal(name, tmp_path, **more)
    reporter = Silent()
    requests = [Generate(prompt, max_tokens=8) for prompt in ("The nurse", "A", TEXTS[1][:30], TEXTS[2][:21])]
    for request, answer in opened(tmp_path, reporter=reporter).answer(requests):
        tokens, total = greedy(tmp_path, request.prompt, 8)
        assert answer.tokens == tokens
        assert close(answer.log_likelihood, total)
    rereads = any("read again" in warning for warning in reporter.warnings)
    assert rereads == (name in {"MambaConfig", "OpenAIGPTConfig"})


def test_mpt_names_its_length_in_its_own_way(tmp_path, opened):
    causal("MptConfig", tmp_path, d_model=32, n_layers=2, n_heads=4, max_seq_len=16, expansion_ratio=2, **WIDE)
    model = opened(tmp_path)
    assert model.facts.max_length == 16
    ((_, answer),) = model.answer([RollingLikelihood(" ".join(TEXTS))])
    assert answer.tokens > 40


@pytest.fixture
def switching(tmp_path):
    """Positions are scaled in another way above 32 tokens, as Phi-3's are above 4096."""
    tokenizer = model_zoo.llama_tokenizer()
    more = {"num_key_value_heads": 2, "max_position_embeddings": 160, "original_max_position_embeddings": 32}
    rope = {"rope_scaling": {**ROPE, "original_max_position_embeddings": 32}, "pad_token_id": 0}
    return causal("Phi3Config", tmp_path, tokenizer, **SMALL, **WIDE, **more, **rope)


@pytest.mark.parametrize("budget", [1, 4096])
def test_positions_that_switch_with_the_length_do_so_for_each_row(switching, budget, opened):
    """One header is shared by questions that stay below the switch and by others that pass it."""
    model = transformers.AutoModelForCausalLM.from_pretrained(switching).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(switching)
    header = "The nurse told the doctor"
    contexts = [header + more for more in (" a", " one", " so good", " and" * 4, " and the film" * 4, " a film" * 9)]
    requests = [Continuations(context, (" he", " she was a doctor")) for context in contexts]
    asked = opened(switching, batch_tokens=budget)
    answers = dict(asked.answer(requests))
    lengths = [len(tokenizer(context)["input_ids"]) for context in contexts]
    assert min(lengths) < 32 < max(lengths)
    assert asked.facts.answer_key["rows"] == "apart at 32"
    for request in requests:
        found = [tokenizer(request.context + option)["input_ids"] for option in request.options]
        first = next(place for place, column in enumerate(zip(*found, strict=False)) if len(set(column)) > 1)
        begin = min(first, len(tokenizer(request.context)["input_ids"]))
        for ids, value in zip(found, answers[request].values, strict=True):
            values = torch.log_softmax(logits_of(model, ids[:-1]), -1)
            assert close(value, sum(values[i - 1, ids[i]].item() for i in range(begin, len(ids))))


def test_writing_goes_on_right_when_positions_switch(switching, opened):
    prompts = ("A", "The nurse told the", TEXTS[0], "The nurse told the doctor that she")
    for request, answer in opened(switching).answer([Generate(prompt, max_tokens=20) for prompt in prompts]):
        tokens, total = greedy(switching, request.prompt, 20)
        assert answer.tokens == tokens
        assert close(answer.log_likelihood, total)


@pytest.mark.parametrize("name", ["ProphetNetConfig", "FSMTConfig"])
def test_decoders_that_padding_disturbs_are_read_alone(name, tmp_path, opened):
    tokenizer = model_zoo.wordpiece() if name == "ProphetNetConfig" else model_zoo.roberta_tokenizer()
    more = {"max_position_embeddings": LONG, "init_std": 0.3, "decoder_start_token_id": 2}
    if name == "FSMTConfig":
        sizes = {"src_vocab_size": len(tokenizer), "tgt_vocab_size": len(tokenizer), "langs": ["en", "de"]}
        more |= {**SIDES, **sizes, "d_model": 32, "forced_eos_token_id": None, "eos_token_id": 2, "bos_token_id": 0}
    else:
        more |= {"hidden_size": 32, "num_encoder_layers": 2, "num_decoder_layers": 2}
        more |= {"num_encoder_attention_heads": 4, "num_decoder_attention_heads": 4, "encoder_ffn_dim": 64}
        more |= {"decoder_ffn_dim": 64, "bos_token_id": 2, "eos_token_id": 3}
    made(tmp_path, "AutoModelForSeq2SeqLM", configured(name, tokenizer, **more), tokenizer)
    reporter = Silent()
    requests = [Continuations(text, ("a film", "good", "the long report")) for text in TEXTS[:3]]
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    for request, answer in opened(tmp_path, reporter=reporter).answer(requests):
        source = torch.tensor([tokenizer(request.context)["input_ids"]])
        for option, value in zip(request.options, answer.values, strict=True):
            labels = tokenizer(option)["input_ids"]
            with torch.no_grad():
                inputs = torch.tensor([[2, *labels[:-1]]])
                logits = model(input_ids=source, decoder_input_ids=inputs, use_cache=False).logits[0].double()
            values = torch.log_softmax(logits, -1)
            assert close(value, sum(values[place, token].item() for place, token in enumerate(labels)))
    assert any("on its own" in warning for warning in reporter.warnings)


def test_a_decoder_with_a_length_of_its_own(tmp_path, opened):
    tokenizer = model_zoo.roberta_tokenizer()
    lengths = {"max_encoder_position_embeddings": LONG, "max_decoder_position_embeddings": 8, "attention_window": 8}
    ids = {"decoder_start_token_id": 2, "forced_eos_token_id": None}
    config = configured("LEDConfig", tokenizer, **SIDES, **lengths, **ids, d_model=32, init_std=0.3)
    made(tmp_path, "AutoModelForSeq2SeqLM", config, tokenizer)
    model = opened(tmp_path)
    requests = [Continuations(TEXTS[0], ("a",)), Continuations("a", (TEXTS[0],)), Generate(TEXTS[0], max_tokens=20)]
    short, long, written = (dict(model.answer(requests))[request] for request in requests)
    assert (model.facts.max_length, short.truncated) == (LONG, 0)
    assert (long.reason, written.tokens <= 8) == ("too_long", True)


def test_a_base_under_another_name_gives_vectors_and_a_head_of_its_own(tmp_path, opened):
    more = {"num_key_value_heads": 2, "head_dim": 8, "attention_chunk_size": 8, "intermediate_size_mlp": 64}
    experts = {"num_local_experts": 2, "num_experts_per_tok": 1, "interleave_moe_layer_step": 1}
    sizes = {**SMALL, **WIDE, **more, **experts, "max_position_embeddings": LONG}
    causal("Llama4TextConfig", tmp_path, model_zoo.llama_tokenizer(), **sizes)
    model = opened(tmp_path)
    answers = dict(model.answer([Embed("a film"), RollingLikelihood("a film")]))
    assert len(answers[Embed("a film")].values) == 32
    assert model.backend.network.base is not model.backend.network.language_model
