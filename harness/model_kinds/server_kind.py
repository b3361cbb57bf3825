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

    url: str = Field(description="Address up to and with /v1; keys do not belong into it.")
    model: str = Field(description="The model's name on the server.")
    tokenizer: str | None = Field(None, description="The model's tokenizer: folder, hub id or `catalog:NAME`.")
    revision: str | None = Field(None, description="Full commit hash, where `tokenizer` is a hub id.")
    api_key_env: str | None = Field(
        None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Environment variable that holds the key."
    )
    prefix: str = Field("", description="Text put before every text whose likelihood is asked.")
    likelihoods: bool = Field(True, description="Whether to ask for log-probabilities, where the server has them.")
    on_failure: Literal["stop", "record"] = Field(
        "stop", description="What remains unanswered stops the run, to be gone on with; or becomes a failed item."
    )
    concurrency: int = Field(8, ge=1, le=256, description="Calls at the same time.")
    requests_per_minute: int | None = Field(None, ge=1, description="No limit when left out.")
    timeout: float = Field(60, gt=0, le=3600, description="Seconds for one call.")
    max_attempts: int = Field(5, ge=1, le=20, description="How often a call is tried.")

    @field_validator("url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as http://localhost:8000/v1")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("expected an address without user, password, `?` or `#`; name the key's variable instead")
        return value


class ServerKind(ModelKind[ServerSpec]):
    """`server`: an OpenAI-compatible API. It declares no format: no folder stands for a server."""

    name = "server"
    Options = ServerSpec
    goal = "not trained here"
    summary = "a model behind an OpenAI-compatible server"

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
