"""A model that answers over a network."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from harness.core import registry
from harness.core.model_kind import ModelKind, ObtainContext, Obtained
from harness.schema.suite.types import Strict


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
    likelihoods: bool = Field(True, description="Whether to request log-probabilities if the server provides them.")
    on_failure: Literal["stop", "record"] = Field(
        "stop", description="Unanswered requests stop the run, which you can resume, or become failed items."
    )
    concurrency: int = Field(8, ge=1, le=256, description="Number of concurrent requests.")
    requests_per_minute: int | None = Field(None, ge=1, description="Requests per minute. Defaults to no limit.")
    timeout: float = Field(60, gt=0, le=3600, description="Timeout per request, in seconds.")
    max_attempts: int = Field(5, ge=1, le=20, description="Maximum number of attempts per request.")

    @field_validator("url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected a URL such as http://localhost:8000/v1")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("expected a URL without user, password, `?`, or `#`; use `api_key_env` for the key")
        return value


class ServerKind(ModelKind[ServerSpec]):
    """`server`: an OpenAI-compatible API. It declares no format: no folder stands for a server."""

    name = "server"
    packages = ()
    Options = ServerSpec
    goal = "not trained here"
    summary = "A model behind an OpenAI-compatible server."

    def label(self, options: ServerSpec) -> str:
        """The server's name of it."""
        return f"{options.model}, asked over a network"

    def refuses_child(self, options: ServerSpec, child: ModelKind[Any]) -> str | None:
        """Its weights are elsewhere."""
        return "a model behind a server"

    def fetches(self, options: ServerSpec) -> tuple[str, ...]:
        """Its tokenizer."""
        return () if options.tokenizer is None else (options.tokenizer,)

    def obtain(self, options: ServerSpec, given: ObtainContext) -> Obtained:
        """Asks the server what it says of the model."""
        served: Obtained = registry.imported("harness.models.server.open_server:obtain_served")(options, given)
        return served
