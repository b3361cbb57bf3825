"""A model that answers over a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from harness.core import registry
from harness.core.model_kind import ModelKind, ObtainContext, Obtained
from harness.schema.suite.types import Strict, TrainedOn

SERVER_DECODING = frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"})
"""What of decoding OpenAI's API names; a server may drop any other key without a word, so none is sent."""


class ServerSpec(Strict):
    """A model behind an OpenAI-compatible server."""

    url: str = Field(description="Base URL, including /v1. It must not contain keys.")
    model: str = Field(description="Name of the model on the server.")
    tokenizer: str | None = Field(None, description="Tokenizer of the model: folder, hub id, or `catalog:NAME`.")
    revision: str | None = Field(None, description="Full commit hash if `tokenizer` is a hub id.")
    api_key_env: str | None = Field(
        None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Environment variable that holds the API key."
    )
    prefix: str = Field("", description="Text prepended to every text whose likelihood is computed.")
    template_variables: dict[str, bool | int | float | str] = Field(
        default_factory=dict,
        description="Variables of the server's chat template, such as `enable_thinking: false`; sent with every chat.",
    )
    identity: str | None = Field(
        None,
        min_length=1,
        description="A word that stands for the address in the model's identity, for servers whose address changes.",
    )
    likelihoods: bool = Field(True, description="Whether to request log-probabilities if the server provides them.")
    on_failure: Literal["stop", "record"] = Field(
        "stop", description="Unanswered requests stop the run, which you can resume, or become failed items."
    )
    concurrency: int = Field(8, ge=1, le=256, description="Number of concurrent requests.")
    requests_per_minute: int | None = Field(None, ge=1, description="Requests per minute. Defaults to no limit.")
    timeout: float = Field(60, gt=0, le=3600, description="Timeout per request, in seconds.")
    max_attempts: int = Field(5, ge=1, le=20, description="Maximum number of attempts per request.")
    trained_on: TrainedOn = None

    @field_validator("url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected a URL such as http://localhost:8000/v1")
        try:
            parts.port  # noqa: B018  # a port that is no number raises
        except ValueError:
            raise ValueError("expected a URL with a port from 0 to 65535") from None
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("expected a URL without user, password, `?`, or `#`; use `api_key_env` for the key")
        return value

    def identity_parts(self) -> dict[str, Any]:
        """What tells its answers from those of another entry, as far as the suite says it.

        The address is a part of it, unless a word stands for it: servers that call their models alike hold other
        weights. How often and how fast it is asked is no part.
        """
        address = {"identity": self.identity} if self.identity is not None else {"url": _normalized(self.url)}
        asked = {"model": self.model, "prefix": self.prefix, "likelihoods": self.likelihoods}
        return {**address, **asked, "template_variables": self.template_variables}


def _normalized(url: str) -> str:
    """The address in one spelling: host in lower case, the scheme's own port and a slash at the end left out."""
    parts = urlsplit(url)
    own = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, own) else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}"


class ServerKind(ModelKind[ServerSpec]):
    """`server`: an OpenAI-compatible API. It declares no format: no folder stands for a server."""

    name = "server"
    packages = ()
    Options = ServerSpec
    goal = "not trained here"
    learned_elsewhere = True
    decoding = SERVER_DECODING
    summary = "A model behind an OpenAI-compatible server."

    def label(self, options: ServerSpec) -> str:
        """The server's name of it."""
        return f"{options.model}, asked over a network"

    def refuses_child(self, options: ServerSpec, child: ModelKind[Any]) -> str | None:
        """Its weights are elsewhere."""
        return "a model behind a server"

    def identity(self, options: ServerSpec) -> Mapping[str, Any]:
        """Its address or the word for it, the name asked for, and how it is asked."""
        return {**options.identity_parts(), "tokenizer": options.tokenizer, "revision": options.revision}

    def fetches(self, options: ServerSpec) -> tuple[str, ...]:
        """Its tokenizer."""
        return () if options.tokenizer is None else (options.tokenizer,)

    def obtain(self, options: ServerSpec, given: ObtainContext) -> Obtained:
        """Asks the server what it says of the model."""
        served: Obtained = registry.imported("harness.models.server.open_server:obtain_served")(options, given)
        return served
