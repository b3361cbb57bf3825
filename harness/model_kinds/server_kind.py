"""A model that answers over a network."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

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


class ServerModel(Strict):
    server: ServerSpec
