"""A tokenizer of a stranger's folder: what it raises on a text is an error of the checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.core.errors import CheckpointError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_GUARDED = frozenset({"encode", "encode_batch", "encode_batch_fast", "decode", "decode_batch"})


class GuardedTokenizer:
    """A `tokenizers.Tokenizer` that raises `CheckpointError` where that one fails on a text.

    It fails by exceptions of no class of its own, and by a Rust panic, which is none of Python's `Exception`s
    (a pattern that never ends, for one).
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._tokenizer, name)
        if name not in _GUARDED:
            return attribute

        def guarded(*arguments: Any, **options: Any) -> Any:
            try:
                return attribute(*arguments, **options)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
                    raise
                raise CheckpointError(
                    f"the tokenizer fails on a text: {type(error).__name__}: {str(error)[:200]}",
                    hint="check tokenizer.json; save it again with transformers, or copy the checkpoint again.",
                ) from error

        return guarded

    def __setattr__(self, name: str, value: object) -> None:
        if name == "_tokenizer":
            object.__setattr__(self, name, value)
        else:
            setattr(self._tokenizer, name, value)
