"""`server` in a suite → what the server says of the model, and from there to a backend.

Address, key and tokenizer always come from the suite; the page in the store is a record that is never read again.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from harness.core.digests import digest
from harness.core.errors import CheckpointError, IncompleteError, Where
from harness.core.model import Backend, ModelFacts
from harness.core.model_kind import ObtainContext, Obtained
from harness.core.reporter import Reporter
from harness.core.requests import Continuations, Generate, RollingLikelihood, TargetLikelihood, TopCompletions
from harness.model_kinds.server_kind import SERVER_DECODING, ServerSpec
from harness.models.checkpoint.checkpoint_digest import served_digest, tokenizer_digest
from harness.models.checkpoint.checkpoint_files import CHECKPOINT_FILE, CHECKPOINT_FORMAT, SERVER_FILE
from harness.models.checkpoint.lineage import SERVER
from harness.models.checkpoint.sources.locate import NamedCheckpoint, locate
from harness.models.device_policy import SCORING_VERSION
from harness.models.encoding.chat_template import Chat
from harness.models.encoding.text_encoder import TextEncoder
from harness.models.encoding.tokenizer_identity import tokenizer_identity, tokens_digest
from harness.models.server.capability_check import abilities, described
from harness.models.server.client import Limits, ServerClient
from harness.models.server.server_backend import ServerBackend
from harness.storage import atomic
from harness.storage.store import Store

KIND = "servers"


@dataclass(frozen=True, slots=True)
class Served:
    """A server's model, as the suite names it.

    Attributes:
        spec: the suite's entry: address, key's variable, model.
        says: what the server says of the model.
        tokenizer: folder of its tokenizer, if the suite names one.
        tokenizer_digest: of its content.
        folder: in the store, where all this is kept for people.
    """

    spec: ServerSpec
    says: dict[str, object]
    tokenizer: Path | None
    tokenizer_digest: str | None
    folder: Path

    @property
    def digest(self) -> str:
        """What is known of what answers."""
        return served_digest(self.spec, self.says, self.tokenizer_digest)


def served(spec: ServerSpec, *, base: Path, store: Store, reporter: Reporter, where: Where | None = None) -> Served:
    """Asks a server what it says of the model of a suite's entry, and keeps that in the store.

    Its digest covers the address (or the word for it), the model's name, what the server says of it, request options
    and tokenizer. That is weaker than a digest of weights: a server that is given other weights under the same name
    and address is not noticed.

    Raises:
        CheckpointError: for an unknown model, or a tokenizer that cannot be used.
        IncompleteError: when the server does not answer, or the key is not set.
    """
    tokenizer = None
    if spec.tokenizer is not None:
        tokenizer = locate(
            NamedCheckpoint(spec.tokenizer, spec.revision), base=base, where=where, store=store, reporter=reporter
        ).absolute()
    client = _client(spec, where)
    try:
        says = described(client, spec.model)
    finally:
        client.close()
    tokenized = tokenizer_digest(tokenizer) if tokenizer is not None else None
    page = {
        "spec": spec.model_dump(mode="json"),
        "says": says,
        "tokenizer": str(tokenizer) if tokenizer is not None else None,
        "tokenizer_digest": tokenized,
    }

    def build(work: Path) -> dict[str, object]:
        lineage = {"format": CHECKPOINT_FORMAT, "kind": SERVER}
        atomic.write_text(work / CHECKPOINT_FILE, json.dumps(lineage))
        atomic.write_text(work / SERVER_FILE, json.dumps(page, indent=1))
        return {}

    return Served(spec, says, tokenizer, tokenized, store.make(KIND, digest(page), build).path)


def obtain_served(options: ServerSpec, given: ObtainContext) -> Obtained:
    """The model of a suite's `server`, as its kind obtains it."""
    made = served(options, base=given.folder, store=given.store, reporter=given.reporter, where=given.where)
    return Obtained(made.folder, made.digest, made.digest, {"model": options.model}, server=made)


def open_served(made: Served) -> Backend:
    """Opens what `served` made: asks the server what it can do.

    Raises:
        CheckpointError: when its log-probabilities are wrong, or it refuses.
        IncompleteError: when it does not answer, or the key is not set.
    """
    spec, tokenizer = made.spec, made.tokenizer
    encoder = _encoder(tokenizer) if tokenizer is not None else None
    client = _client(spec, None)
    able = abilities(client, spec, encoder)
    supports = {Generate.kind}
    if able.likelihoods:
        supports |= {Continuations.kind, TargetLikelihood.kind, RollingLikelihood.kind, TopCompletions.kind}
    notes = ["a server provides the answers: its weights are known only by name"]
    if not able.likelihoods:
        notes.append(f"no likelihoods: {able.why_not}")
    if not able.completions:
        notes.append("prompts are sent as a single user message: the server supports chat only")
    if spec.prefix:
        notes.append(f"every text whose likelihood is computed is preceded by {spec.prefix!r}")
    if able.chat is not None:
        notes += able.chat.notes
    facts = ModelFacts(
        digest=made.digest,
        family="server" if able.likelihoods else "server without log-probabilities",
        language_model="causal" if able.likelihoods else None,
        labels=None,
        supports=frozenset(supports),
        chat=able.chat is not None,
        chat_likelihoods=False,
        chat_template=Chat(encoder).template_digest if encoder is not None else None,
        chat_form=_form(spec),
        bos=f"{spec.prefix!r} before every text" if spec.prefix else "as the server does",
        tokenizer_digest=_tokens(tokenizer, encoder) if tokenizer is not None and encoder is not None else None,
        dtype="as served",
        device="server",
        max_length=_length(made.says),
        parameters=_parameters(made.says),
        notes=tuple(notes),
        decoding=SERVER_DECODING,
        answer_key={
            "scoring": SCORING_VERSION,
            "prefix": spec.prefix,
            "completions": able.completions,
            "tokenizer": tokenizer_identity(encoder) if encoder is not None else None,
            **(able.chat.key if able.chat is not None else {}),
        },
    )
    return ServerBackend(client, spec, facts, able, encoder)


def _client(spec: ServerSpec, where: Where | None) -> ServerClient:
    key = None
    if spec.api_key_env is not None:
        key = os.environ.get(spec.api_key_env)
        if not key:
            raise IncompleteError(
                f"the environment variable {spec.api_key_env} for the server's API key is not set.",
                where=where,
                hint=f"set {spec.api_key_env}, then rerun.",
            )
        if not key.isascii() or not key.isprintable():
            raise CheckpointError(
                f"the key in {spec.api_key_env} contains characters that are invalid in an HTTP header."
            )
    limits = Limits(spec.concurrency, spec.requests_per_minute, spec.timeout, spec.max_attempts)
    return ServerClient(spec.url, key, limits)


def _encoder(folder: Path) -> TextEncoder:
    from transformers import AutoTokenizer

    try:
        return TextEncoder(AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False))
    except (OSError, ValueError) as error:
        raise CheckpointError("cannot load the server's tokenizer.", where=Where(folder)) from error


def _form(spec: ServerSpec) -> str:
    """What is known of a server's chat template: the variables that it is given."""
    own = "the server's own"
    return f"{own}, with {json.dumps(spec.template_variables, sort_keys=True)}" if spec.template_variables else own


def _tokens(folder: Path, encoder: TextEncoder) -> str:
    """The same for a tokenizer as for that of a local model: files and tokens, the template left out."""
    return digest([tokenizer_digest(folder, template=False), tokens_digest(encoder)])


def _length(says: dict[str, object]) -> int | None:
    meta = says.get("meta")
    for value in (says.get("max_model_len"), meta.get("n_ctx") if isinstance(meta, dict) else None):
        if isinstance(value, int) and value > 0:
            return value
    return None


def _parameters(says: dict[str, object]) -> int:
    meta = says.get("meta")
    count = meta.get("n_params") if isinstance(meta, dict) else None
    return count if isinstance(count, int) and count > 0 else 0
