"""A module's forward, replaced for a while: how a model's own code runs on what is known already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_FORWARD = "forward"
_MARK = "_harness_replaced"
FAULTS = (AttributeError, TypeError, ValueError, RuntimeError, KeyError, IndexError, NotImplementedError)
"""What a model may raise that does not take a shortcut, while it is tried."""


@contextmanager
def replaced(module: torch.nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """While it lasts, calling the module calls `forward`; the meter does not count what the module would have done."""
    held = module.__dict__.get(_FORWARD)
    module.forward = forward
    setattr(module, _MARK, True)
    try:
        yield
    finally:
        delattr(module, _MARK)
        if held is None:
            del module.forward
        else:
            module.forward = held


def is_replaced(module: torch.nn.Module) -> bool:
    """Whether a module's forward is replaced now."""
    return _MARK in module.__dict__
