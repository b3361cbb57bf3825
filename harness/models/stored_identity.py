"""What a checkpoint's tokenizer does, known without loading it: kept in the store by its files and the libraries."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from harness.core.digests import digest, file_digest
from harness.models.checkpoint.checkpoint_digest import Resolve, tokenizer_folder
from harness.models.checkpoint.lineage import CONFIG
from harness.models.checkpoint.tokenizer_files import CHAT_TEMPLATE, SIDE_FILES, TOKENIZER_FILES
from harness.storage.store import Store

KIND = "tokenizers"
_LIBRARIES = ("transformers", "tokenizers")
_FORMAT = 1


def stored_identity(folder: Path, resolve: Resolve, store: Store) -> str | None:
    """The `tokenizer_identity` of a checkpoint; None for one that reads no tokens.

    It is a part of the keys of records: other versions of the libraries may make other tokens of the same files.

    Raises:
        CheckpointError: when the tokenizer cannot be loaded.
    """
    own = tokenizer_folder(folder, resolve)
    if own is None:
        return None
    names = (CONFIG, CHAT_TEMPLATE, *TOKENIZER_FILES, *SIDE_FILES)
    files = {name: file_digest(own / name) for name in names if (own / name).is_file()}
    key = digest({"format": _FORMAT, "files": files, "libraries": {name: version(name) for name in _LIBRARIES}})

    def build(work: Path) -> dict[str, object]:
        from harness.models.encoding.text_encoder import TextEncoder
        from harness.models.encoding.tokenizer_identity import tokenizer_identity
        from harness.models.local.load_weights import load_tokenizer

        return {"identity": tokenizer_identity(TextEncoder(load_tokenizer(own)))}

    return str(store.make(KIND, key, build).meta["identity"])
