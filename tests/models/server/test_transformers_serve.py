"""Against a real `transformers serve`, started here on a tiny random model (packages fastapi, uvicorn, openai)."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness_support import model_zoo
from transformers import AutoTokenizer

from harness.core.reporter import Silent
from harness.core.requests import Continuations, Failure, Generate, Generated, RollingLikelihood
from harness.model_kinds.server_kind import ServerSpec
from harness.models.cached_model import CachedModel
from harness.models.open_context import OpenContext
from harness.models.open_model import open_model
from harness.models.server.open_server import served
from harness.storage.store import Store

NEEDED = ("fastapi", "uvicorn", "openai")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"`transformers serve` needs {', '.join(MISSING)}, not installed"),
]
PATIENCE = 240
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Qwen's own form: by it the server finds where an answer begins."""
LONG = 256


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen-shaped chat model."""
    made = model_zoo.language_model("qwen", tmp_path_factory.mktemp("served") / "tiny", length=LONG)
    tokenizer = AutoTokenizer.from_pretrained(made)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(made)
    return made


@pytest.fixture(scope="module")
def url(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("hub")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
    options = ("--device", "cpu", "--dtype", "float32", "--host", "127.0.0.1", "--port", str(port))
    log = home / "log.txt"
    environment = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-c", program, "serve", str(folder), *options],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _healthy(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"transformers serve did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def model(url: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> CachedModel:
    spec = ServerSpec(url=url, model=str(folder), concurrency=2, timeout=60, max_attempts=2)
    store = Store(tmp_path_factory.mktemp("cache"))
    return open_model(
        served(spec, base=Path.cwd(), store=store, reporter=Silent()),
        OpenContext(resolve=Path, responses=None, reporter=Silent()),
    )


def test_it_writes_and_chats_and_gives_no_likelihoods(model: CachedModel) -> None:
    assert (model.facts.chat, model.facts.language_model, model.facts.supports) == (True, None, frozenset({"generate"}))
    assert any("no likelihoods" in note for note in model.facts.notes)
    for _, answer in model.answer([RollingLikelihood("one"), Continuations("one", (" two", " three"))]):
        assert isinstance(answer, Failure)
        assert answer.reason == "unsupported"


def test_what_it_writes_is_what_the_same_weights_write_here(model: CachedModel, folder: Path) -> None:
    asked = [
        Generate(messages=(("user", "a short film"),), max_tokens=6),
        Generate(messages=(("user", "Naïve café 🙂"),), max_tokens=6),
        Generate("The nurse told the doctor", max_tokens=5),
    ]
    here = dict(
        open_model(folder, OpenContext(resolve=Path, responses=None, device="cpu", reporter=Silent())).answer(asked)
    )
    for request, answer in model.answer(asked):
        expected = here[request]
        assert isinstance(answer, Generated)
        assert isinstance(expected, Generated)
        # Sums in another order may part the ways of a random model; the beginning is the same.
        assert answer.text.strip()[:3] == expected.text.strip()[:3], f"\n{answer}\n{expected}"
        assert (answer.tokens, answer.finish) == (expected.tokens, expected.finish)


def test_a_text_ends_before_its_stop_string(model: CachedModel) -> None:
    plain = Generate("The nurse told the doctor", max_tokens=8)
    ((_, whole),) = model.answer([plain])
    assert isinstance(whole, Generated)
    place = len(whole.text) // 2
    stop = whole.text[place : place + 2]
    ((_, answer),) = model.answer([Generate("The nurse told the doctor", max_tokens=8, stop=(stop,))])
    assert isinstance(answer, Generated)
    assert answer.text == whole.text[: whole.text.index(stop)]
    assert answer.finish == "stop"
