"""A small real HTTP server on loopback with the completions and chat routes, and faults on demand.

Its "language model" splits text at spaces; a token's log-probability follows from its length and place, so
that tests can say what a likelihood must be.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NEXT = " next"
TOPS: dict[str, Any] = {
    "top_nan": float("nan"),
    "top_text": "x",
    "top_null": None,
    "top_list": [1],
    "top_huge": -(10**400),
}
Fault = Callable[[dict[str, Any]], str | None]


def split(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+\Z", text)


def logprob(token: str, before: str) -> float:
    return -0.1 * len(token) - 0.001 * (len(before) % 7)


def likelihood(text: str, start: int = 0) -> float:
    """What the toy model gives the tokens of `text` that reach beyond `start`."""
    total, before = 0.0, ""
    for token in split(text):
        if len(before) + len(token) > start:
            total += logprob(token, before)
        before += token
    return total


class ToyServer:
    """Counts and keeps what it is asked.

    Attributes:
        fault: says for a request's JSON which fault to show, or None.
        bos: whether it can score the first token.
    """

    def __init__(self) -> None:
        self.fault: Fault = lambda body: None
        self.bos = True
        self.chat = True
        self.models = ["toy"]
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.lock = threading.Lock()
        self.url = ""

    def prompts(self) -> list[str]:
        """Prompts whose likelihood was asked, without those of the probe."""
        return [body["prompt"] for body in self.asked if body.get("echo") and NEXT not in body["prompt"]]

    def reply(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        usage = {"prompt_tokens": 3, "completion_tokens": 1}
        if path == "/v1/models":
            return 200, {"data": [{"id": name, "created": time.time(), "max_model_len": 512} for name in self.models]}
        if path == "/v1/chat/completions" and self.chat:
            message = {"role": "assistant", "content": "yes to " + body["messages"][-1]["content"]}
            return 200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}
        if path != "/v1/completions":
            return 404, {"error": {"message": "no such route"}}
        prompt = body["prompt"]
        choice: dict[str, Any] = {"text": NEXT, "finish_reason": "length"}
        if "logprobs" in body:
            tokens = [*(split(prompt) if body.get("echo") else []), NEXT]
            places = [0 if body.get("echo") else len(prompt)]
            for token in tokens:
                places.append(places[-1] + len(token))
            whole = prompt + NEXT
            values = [logprob(token, whole[:place]) for token, place in zip(tokens, places, strict=False)]
            shown: list[float | None] = list(values)
            if body.get("echo") and not self.bos:
                shown[0] = None
            top = [{token: value} for token, value in zip(tokens, values, strict=True)]
            choice["logprobs"] = {
                "tokens": tokens,
                "token_logprobs": shown,
                "text_offset": places[:-1],
                "top_logprobs": top,
            }
        return 200, {"choices": [choice], "usage": usage}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    toy: ToyServer

    def log_message(self, *args: object) -> None:
        return

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _serve(self, body: dict[str, Any]) -> None:
        toy = self.toy
        with toy.lock:
            toy.at_once += 1
            toy.most_at_once = max(toy.most_at_once, toy.at_once)
            if body:
                toy.asked.append(body)
            toy.headers.append(dict(self.headers))
            fault = toy.fault(body)
        try:
            self._respond(fault, body)
        except OSError:
            self.close_connection = True
        finally:
            with toy.lock:
                toy.at_once -= 1

    def _respond(self, fault: str | None, body: dict[str, Any]) -> None:
        status, value = self.toy.reply(self.path, body)
        raw = json.dumps(value).encode()
        extra: dict[str, str] = {}
        if fault == "hang":
            time.sleep(1.5)
        elif fault == "slow":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            for _ in range(30):
                self.wfile.write(b"x")
                time.sleep(0.1)
            return
        elif fault == "drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(20):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
            return
        elif fault == "cut":
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw[: len(raw) // 2])
            self.close_connection = True
            return
        elif fault is not None and fault.isdigit():
            status, raw = (
                int(fault),
                json.dumps({"error": {"message": f"told: {self.headers['Authorization']}"}}).encode(),
            )
            if fault == "429":
                extra["Retry-After"] = "0.2"
        elif fault == "malformed":
            raw = b'{"choices": [' + b"{" * 9
        elif fault == "html":
            raw = b"<html>gateway</html>"
        elif fault == "list":
            raw = b"[]"
        elif fault is not None:
            for choice in value.get("choices", ()):
                _spoil(choice, fault)
            raw = json.dumps(value).encode()
        self.send_response(status)
        for name, text in extra.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _spoil(choice: dict[str, Any], fault: str) -> None:
    logprobs = choice.get("logprobs")
    if fault == "no_logprobs":
        choice["logprobs"] = None
    elif fault == "filtered":
        choice["finish_reason"] = "content_filter"
    elif fault == "no_text":
        choice.pop("text", None)
        choice["message"] = {"content": None}
    elif logprobs is not None and fault == "nan":
        logprobs["token_logprobs"][-2] = float("nan")
    elif logprobs is not None and fault == "positive":
        logprobs["token_logprobs"][-2] = 3.0
    elif logprobs is not None and fault == "huge":
        logprobs["token_logprobs"][-2] = -(10**400)
    elif logprobs is not None and fault in TOPS:
        logprobs["top_logprobs"][0] = {"a": -1.0, "b": TOPS[fault]}
    elif logprobs is not None and fault == "short":
        logprobs["token_logprobs"].pop()
    elif logprobs is not None and fault == "other_tokens":
        logprobs["tokens"] = ["x" * len(token) for token in logprobs["tokens"]]
    elif logprobs is not None and fault == "shifted" and len(logprobs["tokens"]) > 1:
        logprobs["token_logprobs"] = [value and value - 3.0 for value in logprobs["token_logprobs"]]


@contextmanager
def running() -> Iterator[ToyServer]:
    toy = ToyServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"toy": toy}))
    server.daemon_threads = True
    toy.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield toy
    finally:
        server.shutdown()
        server.server_close()
