"""Inference cost: tokens through a model, and the operations carried out.

Operations are counted where they happen: 2 · rows · width in · width out for every matrix of a linear layer that runs
(padding, heads and adapters included), and two products of attention over all positions, as kernels without a shortcut
compute them. Element-wise work (norms, activations, softmax) is not counted, as torch's own counter leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from harness.model_kinds.flop_shapes import Shape, shape_of
from harness.models.local.forward_patch import is_replaced

if TYPE_CHECKING:
    from transformers import Cache, PreTrainedModel

    Hook = Callable[[torch.nn.Module, tuple[object, ...], object], None]
    HookWithNames = Callable[[torch.nn.Module, tuple[object, ...], dict[str, object]], None]

_MARK = "_harness_metered"


@dataclass(slots=True)
class Meter:
    """Counts since the model was loaded.

    Attributes:
        tokens: that went through the base, padding included.
        flops: multiplications and additions.
    """

    tokens: int = 0
    flops: float = 0.0

    def add(self, flops: float) -> None:
        """Counts what no module shows; less than 0 where attention of a stack is not carried out in full."""
        self.flops += flops

    def watch(self, base: PreTrainedModel, *modules: PreTrainedModel) -> None:
        """Counts what runs in these models; a part that is watched already is not counted twice.

        Args:
            base: the encoder or decoder stack, or both.
            modules: language model and heads around it.
        """
        for module in (base, *modules):
            for part in module.modules():
                width = width_out(part)
                if width is not None and not hasattr(part, _MARK):
                    setattr(part, _MARK, True)
                    part.register_forward_hook(self._matrix_hook(width))
        shape = shape_of(base.config.to_dict())
        for stack, layers, crossed in _stacks(base, shape):
            if not hasattr(stack, _MARK):
                setattr(stack, _MARK, True)
                stack.register_forward_pre_hook(self._stack_hook(shape, layers, crossed), with_kwargs=True)

    def _matrix_hook(self, width: int) -> Hook:
        def count(module: torch.nn.Module, inputs: tuple[object, ...], output: object) -> None:
            if inputs and isinstance(inputs[0], torch.Tensor) and not is_replaced(module):
                self.flops += 2.0 * inputs[0].numel() * width

        return count

    def _stack_hook(self, shape: Shape | None, layers: int, crossed: bool) -> HookWithNames:
        def count(module: torch.nn.Module, arguments: tuple[object, ...], named: dict[str, object]) -> None:
            # While a head is replayed on gathered states, the stack's forward is replaced and costs nothing.
            ids = named.get("input_ids", arguments[0] if arguments else None)
            if is_replaced(module) or not isinstance(ids, torch.Tensor):
                return
            rows, length = ids.shape
            self.tokens += ids.numel()
            if shape is None:
                return
            cache: Cache | None = named.get("past_key_values")
            seen = int(cache.get_seq_length()) if cache is not None else 0
            read = float(length + seen)
            source = named.get("encoder_hidden_states")
            if crossed and isinstance(source, torch.Tensor):
                read += source.shape[1]
            self.flops += 4.0 * layers * rows * length * read * shape.attention

        return count


def width_out(module: Any) -> int | None:
    """Columns of a matrix layer: of torch's and bitsandbytes' Linear, and of GPT-2's Conv1D; None for others."""
    if isinstance(module, torch.nn.Linear):
        return int(module.out_features)
    return int(module.nf) if type(module).__name__ == "Conv1D" and hasattr(module, "nf") else None


def _stacks(base: PreTrainedModel, shape: Shape | None) -> list[tuple[torch.nn.Module, int, bool]]:
    """What reads token ids: the base itself, or the encoder and the decoder of one that has both."""
    layers = shape.layers if shape is not None else 0
    if not base.config.is_encoder_decoder or not hasattr(base, "encoder"):
        return [(base, layers, False)]
    stacks = [(base.encoder, layers, False)]
    if hasattr(base, "decoder"):
        stacks.append((base.decoder, shape.decoder_layers if shape is not None else 0, True))
    return stacks
