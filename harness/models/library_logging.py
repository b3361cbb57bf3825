"""Keeps transformers from printing bars and notices of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@contextmanager
def quiet() -> Iterator[None]:
    """Errors only, and no progress bars, while the block runs."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def no_gguf_bar() -> Iterator[None]:
    """Keeps transformers' reader of GGUF files from drawing its own bar, which no setting switches off."""
    try:
        from transformers import modeling_gguf_pytorch_utils as reader

        drawn = reader.tqdm
    except (ImportError, AttributeError):
        yield
        return
    reader.tqdm = partial(drawn, disable=True)
    try:
        yield
    finally:
        reader.tqdm = drawn


def no_padding_notice(model: PreTrainedModel) -> None:
    """Keeps a model from suspecting padding where no mask is given.

    Causal models are read without one on purpose: padding stands right of a text, where they do not look.
    """
    if hasattr(model, "warn_if_padding_and_no_attention_mask"):
        model.warn_if_padding_and_no_attention_mask = _nothing


def _nothing(*_: object) -> None:
    """Says nothing."""
