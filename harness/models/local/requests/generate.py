"""Generation requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from harness.core.errors import CheckpointError
from harness.core.requests import Failure, Generate, Messages, Request, Response
from harness.models.encoding.chat_template import ChatError
from harness.models.encoding.message_cuts import fitted
from harness.models.encoding.text_encoder import encode_texts
from harness.models.local.batching import Batcher
from harness.models.local.decoding.decoding_loop import Writer, generations, refused
from harness.models.local.decoding.steppers import CausalStepper, DecoderStepper, decoder_start
from harness.models.local.decoding.uncached_decoding import Rereading, RereadingDecoder, joins_alike, writes_alike
from harness.models.local.network import Network
from harness.models.local.stepper import JoiningStepper, Prompt, Stepper
from harness.models.network_settings import generation_config


def generate(network: Network, batcher: Batcher, requests: Sequence[Generate]) -> Iterator[tuple[Request, Response]]:
    """Answers each request by the network's language model; a prompt that is too long loses its beginning."""
    prompts = []
    for request in requests:
        prompt = _source if network.family == "seq2seq" else _prompt
        made = refused(request) or prompt(network, request)
        if isinstance(made, Failure):
            yield request, made
        else:
            prompts.append(made)
    for said in sorted(network.chat.told):
        batcher.tell_once(said)
    start = [decoder_start(network)] if network.family == "seq2seq" and prompts else None

    def read_by_penalties(prompt: Prompt) -> Sequence[int]:
        return prompt.ids if start is None else start

    for turns in (False, True):
        asked = [prompt for prompt in prompts if _is_turn(prompt.request) == turns]
        closing = network.chat.turn_end if turns and asked else None
        stops = ends(network) | ({closing} if closing is not None else set())
        for part, make in _ways(network, batcher, asked):
            stepper, joins = partial(_stepper, network, make), partial(_joins, network, make)
            writer = Writer(network.encoder, stops, stepper, joins, network.fast_paths.writing)
            yield from generations(part, batcher, writer, read_by_penalties)


def _is_turn(request: Generate) -> bool:
    """Whether what is written is the assistant's turn, which the template's own token ends."""
    return bool(request.messages) and not request.form.as_text


def _stepper(network: Network, make: Callable[[], Stepper]) -> Stepper:
    return network.decoding(make())


def _joins(network: Network, make: Callable[[], Stepper]) -> bool:
    """Whether rows may enter a batch in writing; not where something stands around the stepper."""
    stepper = make()
    if not isinstance(stepper, JoiningStepper) or network.decoding(stepper) is not stepper:
        return False
    return network.is_exact("joining", lambda: joins_alike(network, make, lambda: Rereading(network)))


def _ways(
    network: Network, batcher: Batcher, prompts: Sequence[Prompt]
) -> Iterator[tuple[Sequence[Prompt], Callable[[], Stepper]]]:
    """The prompts by the way in which they are written: with a cache, or where that would not be right without."""
    if not prompts:
        return
    fast, plain = _steppers(network)
    far = network.switch_length
    near = [prompt for prompt in prompts if far is None or len(prompt.ids) + prompt.limit <= far]
    # Rows that are read on their own are never padded.
    if not network.is_exact("cache", lambda: network.row_by_row or writes_alike(network, fast, plain)):
        batcher.tell_once("this model's cache is of no use here: the whole text is read again for every token written.")
        near = []
    if near:
        yield near, fast
    written = set(map(id, near))
    rest = [prompt for prompt in prompts if id(prompt) not in written]
    if rest:
        yield rest, plain


def _steppers(network: Network) -> tuple[Callable[[], Stepper], Callable[[], Stepper]]:
    """Makers of steppers with a cache, and without one."""
    if network.family == "seq2seq":
        return lambda: DecoderStepper(network), lambda: RereadingDecoder(network, decoder_start(network))
    return lambda: CausalStepper(network), lambda: Rereading(network)


def ends(network: Network) -> frozenset[int]:
    """The tokens that end a text, as the checkpoint's generation settings and its tokenizer say.

    Raises:
        CheckpointError: when the settings name something else than tokens.
    """
    settings = generation_config(network.language_model)
    named = None if settings is None else settings.eos_token_id
    tokens = [*(named if isinstance(named, (list, tuple)) else [named]), network.encoder.tokenizer.eos_token_id]
    try:
        return frozenset(int(token) for token in tokens if token is not None)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"expected token ids as eos_token_id of the generation settings, found {named!r}.",
            hint="fix generation_config.json in the checkpoint.",
        ) from error


def _conversation(network: Network, request: Generate) -> Prompt | Failure:
    """Messages through the template; a conversation that is too long is cut inside a message."""
    chat, limit = network.chat, network.max_length

    def rendered(messages: Messages) -> tuple[str, list[int]]:
        prompt = chat.prompt(messages, request.form)
        return prompt, [*chat.beginning(prompt, request.form), *chat.pieces(prompt).ids]

    def excess(made: tuple[str, list[int]]) -> int:
        return 0 if limit is None else len(made[1]) + request.max_tokens - limit

    try:
        fit = fitted(request.messages, rendered, excess, network.encoder)
    except ChatError as error:
        return Failure("error", str(error))
    if fit is None:
        return Failure("too_long", f"{request.max_tokens} new tokens leave no room for the conversation in {limit}")
    prompt, ids = fit.rows
    return Prompt(ids, request, fit.cut, request.max_tokens, chat.thoughts.behind(prompt) if request.thinking else None)


def _prompt(network: Network, request: Generate) -> Prompt | Failure:
    if request.messages:
        return _conversation(network, request)
    encoder, limit = network.encoder, network.max_length
    ids = encoder.plain([request.prompt])[0]
    prefix = list(encoder.prefix)
    if not prefix and not ids:
        if encoder.prefix_id is None:
            return Failure("no_token", "the prompt is empty and the tokenizer has neither BOS nor EOS")
        prefix = [encoder.prefix_id]
    room = len(ids) if limit is None else limit - request.max_tokens - len(prefix)
    if room < min(1, len(ids)):
        return Failure("too_long", f"{request.max_tokens} new tokens leave no room for a prompt in {limit}")
    cut = max(0, len(ids) - room)
    return Prompt([*prefix, *ids[cut:]], request, cut, request.max_tokens)


def _source(network: Network, request: Generate) -> Prompt | Failure:
    """The encoder's input: cut from the right, as sequence-to-sequence models are trained."""
    text = request.prompt
    if request.messages:
        return Failure("unsupported", "a sequence-to-sequence model is not asked by messages")
    encoded = encode_texts(network.encoder, [text], network.max_length)
    ids = encoded.ids[0] or ([] if network.encoder.prefix_id is None else [network.encoder.prefix_id])
    if not ids:
        return Failure("no_token", "the prompt is empty and the tokenizer has no token to stand for it")
    limit = request.max_tokens if network.max_target is None else min(request.max_tokens, network.max_target)
    return Prompt(ids, request, encoded.truncated[0], limit)
