from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from harness_support import toy_server
from harness_support.toy_server import ToyServer

from harness.core.errors import CheckpointError, IncompleteError
from harness.core.reporter import Silent
from harness.core.requests import (
    Classify,
    Completions,
    Continuations,
    Failure,
    Generate,
    Generated,
    Likelihood,
    Request,
    Response,
    RollingLikelihood,
    Scores,
    TopCompletions,
)
from harness.model_kinds.server_kind import ServerSpec
from harness.models.cached_model import CachedModel
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.models.server import client as client_module
from harness.models.server.client import retry_after
from harness.models.server.open_server import served
from harness.storage.store import Store

TEXT = "The nurse told the doctor a story"
Open = Callable[..., CachedModel]


@pytest.fixture
def toy() -> Iterator[ToyServer]:
    with toy_server.running() as server:
        yield server


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are a hundredth of the real ones."""
    monkeypatch.setattr(client_module.ServerClient, "_backoff", lambda self, attempt: 0.005 * 2**attempt)


@pytest.fixture
def connect(toy: ToyServer, tmp_path: Path, quick: None) -> Iterator[Open]:
    made: list[CachedModel] = []

    def make(responses: Path | None = None, **options: Any) -> CachedModel:
        spec = ServerSpec(**{"url": toy.url, "model": "toy", "timeout": 0.6, "max_attempts": 3, **options})
        server = served(spec, base=tmp_path, store=Store(tmp_path / "cache"), reporter=Silent())
        made.append(open_model(server, OpenContext(resolve=Path, responses=responses)))
        return made[-1]

    yield make
    for model in made:
        model.close()


def ask(model: CachedModel, *requests: Request) -> list[Response]:
    answers = dict(model.answer(requests))
    return [answers[request] for request in requests]


def texts(count: int) -> Sequence[RollingLikelihood]:
    return [RollingLikelihood(f"{TEXT} number {index}") for index in range(count)]


def test_likelihoods_are_those_of_the_servers_tokens(connect: Open) -> None:
    whole, options = ask(connect(), RollingLikelihood(TEXT, details=True), Continuations("A b", (" c", " dd e")))
    assert isinstance(whole, Likelihood)
    assert whole.total == pytest.approx(toy_server.likelihood(TEXT), abs=1e-12)
    assert whole.tokens == 7
    assert [TEXT[start:end] for start, end, _ in whole.pieces] == toy_server.split(TEXT)
    assert isinstance(options, Scores)
    assert options.values == pytest.approx(
        [toy_server.likelihood("A b c", 3), toy_server.likelihood("A b dd e", 3)], abs=1e-12
    )


def test_a_token_that_overlaps_the_join_counts_for_every_option(connect: Open) -> None:
    (found,) = ask(connect(), Continuations("A b", ("c", " d")))
    assert isinstance(found, Scores)
    assert found.values == pytest.approx(
        [toy_server.likelihood("A bc", 1), toy_server.likelihood("A b d", 1)], abs=1e-12
    )


def test_trailing_space_belongs_to_the_option(connect: Open) -> None:
    (found,) = ask(connect(), Continuations("A b ", ("c", "d e")))
    assert isinstance(found, Scores)
    assert found.values == pytest.approx([toy_server.likelihood("A b c", 3), toy_server.likelihood("A b d e", 3)])


def test_a_prefix_goes_before_every_text_and_is_not_scored(connect: Open, toy: ToyServer) -> None:
    toy.bos = False
    without, with_prefix = connect(), connect(prefix="<s>\n")
    (failed,), (found,) = ask(without, RollingLikelihood(TEXT)), ask(with_prefix, RollingLikelihood(TEXT))
    assert isinstance(failed, Failure)
    assert "prefix" in failed.message
    assert isinstance(found, Likelihood)
    # "\nThe" is one token of the toy model; it reaches into the text and is scored.
    assert found.total == pytest.approx(toy_server.likelihood(f"<s>\n{TEXT}", 4))
    assert without.facts.answer_key != with_prefix.facts.answer_key
    assert without.facts.digest != with_prefix.facts.digest


def test_generation_and_top_completions(connect: Open) -> None:
    written, chatted, top = ask(
        connect(),
        Generate("One two", max_tokens=1),
        Generate(messages=(("user", "that, please"),), stop=(", ",)),
        TopCompletions("One two", 1),
    )
    assert written == Generated(toy_server.NEXT, 1, "length", prompt_tokens=3)
    assert chatted == Generated("yes to that", 1, "stop", prompt_tokens=3)
    assert isinstance(top, Completions)
    assert top.tokens == (toy_server.NEXT,)


def test_a_server_of_chat_alone_is_asked_by_messages(connect: Open, toy: ToyServer) -> None:
    toy.fault = lambda body: "404" if "prompt" in body else None
    model = connect()
    assert model.facts.supports == {"generate"}
    assert model.facts.language_model is None
    assert "log-probabilities" in model.facts.family
    (found,) = ask(model, Generate("that"))
    assert isinstance(found, Generated)
    assert found.text == "yes to that"
    (refused,) = ask(model, RollingLikelihood(TEXT))
    assert isinstance(refused, Failure)
    assert refused.reason == "unsupported"


def test_a_server_without_log_probabilities_answers_no_likelihood(connect: Open, toy: ToyServer) -> None:
    toy.fault = lambda body: "no_logprobs" if "logprobs" in body else None
    model = connect()
    assert model.facts.supports == {"generate"}
    assert any("log-probabilities" in note for note in model.facts.notes)


def test_log_probabilities_of_other_tokens_are_found_out(connect: Open, toy: ToyServer) -> None:
    toy.fault = lambda body: "shifted" if body.get("echo") else None
    with pytest.raises(CheckpointError, match="belong to other tokens"):
        connect()
    assert connect(likelihoods=False).facts.supports == {"generate"}


@pytest.mark.parametrize("fault", ["500", "503", "429", "cut", "malformed", "html", "list", "hang", "drip", "slow"])
def test_a_passing_fault_is_tried_again(fault: str, connect: Open, toy: ToyServer) -> None:
    model = connect()
    seen: set[str] = set()

    def once(body: dict[str, Any]) -> str | None:
        new = body["prompt"] not in seen
        seen.add(body["prompt"])
        return fault if new else None

    toy.fault = once
    requests = texts(3)
    for request, found in zip(requests, ask(model, *requests), strict=True):
        assert isinstance(found, Likelihood)
        assert found.total == pytest.approx(toy_server.likelihood(request.text))
    assert model.backend.client.retries >= 3


@pytest.mark.parametrize("fault", ["500", "429", "cut", "malformed", "hang"])
def test_a_lasting_fault_is_no_number_and_resumes(fault: str, connect: Open, toy: ToyServer, tmp_path: Path) -> None:
    responses = tmp_path / "responses.sqlite"
    model = connect(responses)
    requests = texts(6)
    bad = {requests[1].text, requests[4].text}
    toy.fault = lambda body: fault if body["prompt"] in bad else None
    found = ask(model, *requests)
    for request, response in zip(requests, found, strict=True):
        if request.text in bad:
            assert isinstance(response, Failure)
            assert response.reason == "unavailable"
            assert "3 attempts" in response.message
        else:
            assert isinstance(response, Likelihood)
    model.close()
    toy.fault = lambda body: None
    again = connect(responses)
    toy.asked.clear()
    assert all(isinstance(response, Likelihood) for response in ask(again, *requests))
    assert set(toy.prompts()) == bad


@pytest.mark.parametrize("fault", ["nan", "positive", "huge", "short", "other_tokens", "no_logprobs"])
def test_a_reply_that_does_not_add_up_is_a_failure(fault: str, connect: Open, toy: ToyServer) -> None:
    model = connect()
    toy.fault = lambda body: fault
    for response in ask(model, RollingLikelihood(TEXT), Continuations("A", (" b", " c"))):
        assert isinstance(response, Failure)
        assert response.reason == "error"


@pytest.mark.parametrize("fault", toy_server.TOPS)
def test_next_tokens_that_do_not_add_up_are_a_failure(fault: str, connect: Open, toy: ToyServer) -> None:
    model = connect()
    toy.fault = lambda body: fault
    (found,) = ask(model, TopCompletions("One", 2))
    assert isinstance(found, Failure)
    assert found.reason == "error"


@pytest.mark.parametrize("usage", [{"completion_tokens": -3}, {"completion_tokens": True}, [], None])
def test_a_count_of_tokens_that_is_none_is_a_failure(usage: object, connect: Open, toy: ToyServer) -> None:
    model = connect()
    plain = toy.reply
    toy.reply = lambda path, body: (200, {**plain(path, body)[1], "usage": usage})  # type: ignore[method-assign]
    (found,) = ask(model, Generate("One"))
    assert isinstance(found, Failure)


@pytest.mark.parametrize("status", ["401", "402", "403"])
def test_a_key_that_runs_out_is_mended_and_goes_on(status: str, connect: Open, toy: ToyServer, tmp_path: Path) -> None:
    """The questions are not to blame: they are asked again, not finished as failed."""
    model = connect(tmp_path / "responses.sqlite", concurrency=1)
    requests = texts(20)
    toy.asked.clear()
    toy.fault = lambda body: status if len(toy.asked) > 8 else None
    found = ask(model, *requests)
    assert sum(isinstance(response, Likelihood) for response in found) == 8
    assert {response.reason for response in found if isinstance(response, Failure)} == {"unavailable"}
    assert len(toy.asked) == 8 + 5
    model.close()
    toy.fault = lambda body: None
    again = connect(tmp_path / "responses.sqlite")
    toy.asked.clear()
    assert all(isinstance(response, Likelihood) for response in ask(again, *requests))
    assert len(toy.prompts()) == 12


@pytest.mark.parametrize("fault", ["filtered", "no_text"])
def test_a_withheld_text_is_a_failure(fault: str, connect: Open, toy: ToyServer) -> None:
    model = connect()
    toy.fault = lambda body: fault
    (found,) = ask(model, Generate("One"))
    assert isinstance(found, Failure)


def test_a_refusal_is_not_repeated(connect: Open, toy: ToyServer) -> None:
    model = connect()
    toy.asked.clear()
    toy.fault = lambda body: "400"
    (found,) = ask(model, RollingLikelihood(TEXT))
    assert isinstance(found, Failure)
    assert found.reason == "error"
    assert len(toy.asked) == 1


def test_a_dead_server_is_given_up_soon(connect: Open, toy: ToyServer) -> None:
    model = connect(on_failure="record", concurrency=1)
    toy.asked.clear()
    toy.fault = lambda body: "500"
    found = ask(model, *texts(60))
    assert [response.reason for response in found if isinstance(response, Failure)] == ["error"] * 5 + [
        "unavailable"
    ] * 55
    assert len(toy.asked) == 5 * 3


def test_calls_at_the_same_time_are_bounded(connect: Open, toy: ToyServer) -> None:
    model = connect(concurrency=3)
    toy.most_at_once = 0
    ask(model, *texts(40))
    assert 1 <= toy.most_at_once <= 3


def test_calls_a_minute_are_bounded(connect: Open, toy: ToyServer) -> None:
    import time

    model = connect(requests_per_minute=1200, concurrency=8)
    started = time.monotonic()
    ask(model, *texts(8))
    assert time.monotonic() - started >= 7 * 0.05 * 0.9


def test_what_came_before_a_stop_is_kept(connect: Open, toy: ToyServer, tmp_path: Path) -> None:
    responses = tmp_path / "responses.sqlite"
    model = connect(responses, concurrency=1)
    requests = texts(10)
    answers = model.answer(requests)
    kept = {next(answers)[0] for _ in range(4)}
    answers.close()
    model.close()
    again = connect(responses)
    toy.asked.clear()
    ask(again, *requests)
    assert set(toy.prompts()) == {request.text for request in requests} - {request.text for request in kept}


def test_a_killed_run_asks_nothing_again_that_it_was_given(connect: Open, toy: ToyServer, tmp_path: Path) -> None:
    responses = tmp_path / "responses.sqlite"
    killed = connect(responses, concurrency=1).answer(texts(12))
    given = [next(killed)[0] for _ in range(5)]
    again = connect(responses)  # the first one is left as it stands: neither closed nor told
    toy.asked.clear()
    assert all(isinstance(response, Likelihood) for response in ask(again, *texts(12)))
    assert not {request.text for request in given} & set(toy.prompts())
    killed.close()


def test_the_key_is_sent_and_never_shown(
    connect: Open, toy: ToyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(IncompleteError, match="OWN_KEY"):
        connect(api_key_env="OWN_KEY")
    monkeypatch.setenv("OWN_KEY", "sk-verysecret")
    model = connect(api_key_env="OWN_KEY")
    assert toy.headers[-1]["Authorization"] == "Bearer sk-verysecret"
    toy.fault = lambda body: "400"
    (refused,) = ask(model, RollingLikelihood(TEXT))
    toy.fault = lambda body: "500"
    (failed,) = ask(model, RollingLikelihood(TEXT))
    assert "told: Bearer ***" in f"{refused}"
    assert "verysecret" not in f"{refused} {failed} {model.facts}"
    assert not any(b"verysecret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_refused_key_is_said_at_once(connect: Open, toy: ToyServer) -> None:
    toy.fault = lambda body: "401"
    with pytest.raises(CheckpointError, match="api_key_env"):
        connect()


def test_an_absent_server_and_an_unknown_model(connect: Open, toy: ToyServer) -> None:
    with pytest.raises(CheckpointError, match="Did you mean 'toy'"):
        connect(model="toi")
    with pytest.raises(IncompleteError, match="cannot be reached"):
        connect(url="http://127.0.0.1:9/v1", max_attempts=1)


def test_a_server_that_fails_to_list_its_models_is_asked_all_the_same(connect: Open, toy: ToyServer) -> None:
    toy.fault = lambda body: None if body else "500"
    assert connect().facts.supports >= {"generate", "rolling_likelihood"}
    toy.fault = lambda body: "500"
    with pytest.raises(IncompleteError, match="status 500"):
        connect(max_attempts=1)


def test_the_identity_is_what_the_server_says_and_not_where_it_is(
    connect: Open, toy: ToyServer, tmp_path: Path
) -> None:
    def identity(**options: Any) -> str:
        spec = ServerSpec(**{"url": toy.url, "model": "toy", "max_attempts": 1, **options})
        return served(spec, base=tmp_path, store=Store(tmp_path / "cache"), reporter=Silent()).digest

    first = identity()
    toy.models.append("toy2")
    assert identity(concurrency=2, url=f"{toy.url}/") == first
    assert identity(model="toy2") != first
    assert identity(prefix="<s>") != first


def test_what_a_server_has_no_answer_to_is_unsupported(connect: Open) -> None:
    (found,) = ask(connect(), Classify("a", ("x", "y")))
    assert isinstance(found, Failure)
    assert found.reason == "unsupported"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("-4", 0.0),
        ("1e9", 300.0),
        ("nan", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value) == seconds


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://a/v1", "http://u:p@a/v1", "http://a/v1?key=x", "http:///v1"])
def test_addresses_that_are_none_or_hold_secrets_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected a"):
        ServerSpec(url=url, model="m")


def test_only_decoding_that_the_api_names_is_sent(connect: Open, toy: ToyServer) -> None:
    model = connect()
    asked = Generate("A b", max_tokens=2, presence_penalty=0.5, frequency_penalty=-0.5)
    (answer, refused) = ask(model, asked, Generate("A b", max_tokens=2, top_k=3, temperature=1.0))
    assert isinstance(answer, Generated)
    assert isinstance(refused, Failure)
    assert "top_k" in refused.message
    bodies = [body for body in toy.asked if body.get("presence_penalty")]
    assert [(body["presence_penalty"], body["frequency_penalty"]) for body in bodies] == [(0.5, -0.5)]
    assert "top_k" not in model.facts.decoding


def identity(toy: ToyServer, folder: Path, **options: Any) -> str:
    spec = ServerSpec(**{"url": toy.url, "model": "toy", **options})
    return served(spec, base=folder, store=Store(folder / "cache"), reporter=Silent()).digest


def test_the_identity_of_a_server_is_its_address_or_the_word_for_it(toy: ToyServer, tmp_path: Path) -> None:
    with toy_server.running() as other:
        assert identity(toy, tmp_path) != identity(other, tmp_path)
        assert identity(toy, tmp_path, identity="ours") == identity(other, tmp_path, identity="ours")
        assert identity(toy, tmp_path, identity="ours") != identity(toy, tmp_path, identity="theirs")
        assert identity(toy, tmp_path) == identity(toy, tmp_path, concurrency=2, timeout=5)


def test_request_options_and_what_a_server_says_are_part_of_its_identity(toy: ToyServer, tmp_path: Path) -> None:
    plain = identity(toy, tmp_path)
    toy.models = ["toy", "other"]
    others = [
        identity(toy, tmp_path, model="other"),
        identity(toy, tmp_path, prefix="<s>"),
        identity(toy, tmp_path, template_variables={"enable_thinking": False}),
    ]
    reply = toy.reply
    toy.reply = lambda path, body: (200, {"data": [{"id": "toy", "root": "weights-2"}]})  # type: ignore[method-assign]
    others.append(identity(toy, tmp_path))
    toy.reply = reply  # type: ignore[method-assign]
    assert len({plain, *others}) == 5
    assert identity(toy, tmp_path) == plain


def test_template_variables_are_sent_with_every_chat(connect: Open, toy: ToyServer) -> None:
    model = connect(template_variables={"enable_thinking": False})
    ask(model, Generate(messages=(("user", "that"),)))
    assert toy.asked[-1]["chat_template_kwargs"] == {"enable_thinking": False}


def test_what_a_chat_endpoint_refuses_is_left_out_and_said(connect: Open, toy: ToyServer) -> None:
    plain = toy.reply
    refused = {"max_tokens": "use 'max_completion_tokens' instead", "stop": "leave it out", "temperature": "only 1"}

    def reply(path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if path == "/v1/completions":
            return 404, {"error": {"message": "this is a chat model"}}
        for name, other in refused.items():
            if name in body:
                return 400, {"error": {"message": f"Unsupported: {name!r}; {other}.", "param": name}}
        return plain(path, body)

    toy.reply = reply  # type: ignore[method-assign]
    model = connect()
    request = Generate(messages=(("user", "that, please"),), stop=(", ",), max_tokens=9)
    assert ask(model, request) == [Generated("yes to that", 1, "stop", prompt_tokens=3)]
    assert toy.asked[-1].keys() == {"model", "messages", "max_completion_tokens"}
    assert toy.asked[-1]["max_completion_tokens"] == 9
    assert any("no temperature" in note for note in model.facts.notes)
    (failed,) = ask(model, Generate(messages=(("user", "that"),), temperature=0.7))
    assert isinstance(failed, Failure)
    assert "takes no temperature" in failed.message
    toy.reply = plain  # type: ignore[method-assign]
    assert connect().facts.answer_key != model.facts.answer_key


def test_a_server_without_chat_and_completions_shows_the_reasons_of_both(connect: Open, toy: ToyServer) -> None:
    def reply(path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if path == "/v1/models":
            return 200, {"data": [{"id": "toy"}]}
        return 403 + ("chat" not in path), {"error": {"message": "chat is off" if "chat" in path else "no such route"}}

    toy.reply = reply  # type: ignore[method-assign]
    with pytest.raises(CheckpointError, match=r"no such route.*chat is off"):
        connect()


def test_halves_of_surrogate_pairs_in_replies_are_made_storable_and_counted(
    connect: Open, toy: ToyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON can spell a half that UTF-8 cannot: the answer is stored and read again, and the results count it."""
    from harness.core.records import Record, Records, RecordsHead
    from harness.pipeline.results.record_counts import replaced_answers

    exchange = client_module.ServerClient._exchange

    def cut(self: Any, method: str, path: str, body: Any) -> Any:
        status, headers, raw = exchange(self, method, path, body)
        return status, headers, raw.replace(b'"text": "', b'"text": "\\ud83d \\ud83d\\ude00 ')

    monkeypatch.setattr(client_module.ServerClient, "_exchange", cut)
    (answer,) = ask(connect(), Generate(TEXT, max_tokens=3))
    assert isinstance(answer, Generated)
    assert answer.text.startswith("\ufffd \U0001f600 ")
    answer.text.encode()
    records = Records.of(
        RecordsHead("e", "m", "generated"),
        [Record(str(n), "d", response={"text": text}) for n, text in enumerate([answer.text, "plain"])],
    )
    assert replaced_answers(records)[0].startswith("1 of 2 answers hold U+FFFD")
