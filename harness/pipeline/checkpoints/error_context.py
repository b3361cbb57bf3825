"""Which model of the suite an error is about, where the stage that raised it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.core.errors import HarnessError, Where


@contextmanager
def placed(model: str, where: Where | None) -> Iterator[None]:
    """Names a model, and its place in the suite, in errors that come without a place.

    Args:
        model: the suite's name of the model that is made.
        where: where the suite defines it.
    """
    try:
        yield
    except HarnessError as error:
        if error.where is None:
            error.where = where
            if repr(model) not in error.message:
                error.message = f"model {model!r}: {error.message}"
        raise
