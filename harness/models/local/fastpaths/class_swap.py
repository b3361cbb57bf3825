"""Other classes for the layers of a model, in place."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn


def swap_classes(module: nn.Module, swapped: Mapping[type, type]) -> None:
    """Gives each layer of exactly such a class another one; weights, names, hooks and what is saved stay as they are.

    Args:
        module: any torch module.
        swapped: class → a subclass of it without data of its own.
    """
    for part in module.modules():
        other = swapped.get(type(part))
        if other is not None:
            part.__class__ = other
