"""LoRA's update of a layer's output in one pass, where nothing is trained.

peft multiplies twice, scales the product and adds it: three more passes over the layer's output. Here the second
product is scaled and added while it is made (benchmarks/low_rank_update.py). The result differs by rounding.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch

from harness.models.local.fastpaths.class_swap import swap_classes


def enable(module: torch.nn.Module) -> None:
    """Gives peft's LoRA layers in a model this forward pass, in place; what is trained or no plain LoRA keeps peft's.

    Args:
        module: any torch module.
    """
    if any(hasattr(part, "lora_A") for part in module.modules()):  # without one, peft need not be imported
        swap_classes(module, _classes())


@lru_cache(maxsize=1)
def _classes() -> dict[type, type]:
    """peft's layer → the same in fewer passes."""
    from peft.tuners.lora.layer import Linear as PeftLinear

    class Linear(PeftLinear):  # type: ignore[misc]  # peft is untyped
        """A matrix layer with low-rank updates beside it."""

        def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
            """See peft's layer."""
            name = None if args or kwargs else self._plain(x)
            result: torch.Tensor | None = None if name is None else self.base_layer(x)
            if result is None or not result.is_contiguous():
                made: torch.Tensor = super().forward(x, *args, **kwargs)
                return made
            low = self.lora_A[name](x)
            up = self.lora_B[name]
            flat = result.view(-1, result.shape[-1])
            flat.addmm_(low.view(-1, low.shape[-1]), up.weight.t(), alpha=self.scaling[name])
            for told in up._forward_hooks.values():  # who counts its operations
                told(up, (low,), result)
            return result

        def _plain(self, x: torch.Tensor) -> str | None:
            """The only adapter that is on, if its update is a plain one, of the type of x, and not being trained."""
            if torch.is_grad_enabled() or self.training or self.disable_adapters or self.merged:
                return None
            names = [name for name in self.active_adapters if name in self.lora_A]
            if len(names) != 1 or names[0] in self.lora_variant or self.lora_bias[names[0]]:
                return None
            down, up = self.lora_A[names[0]].weight, self.lora_B[names[0]].weight
            return names[0] if x.dtype == down.dtype == up.dtype else None

    _be_counted()
    return {PeftLinear: Linear}


def _be_counted() -> None:
    """Makes torch's counter of operations see a product that is added in place, as it sees others."""
    from torch.utils.flop_counter import register_flop_formula

    def operations(_sum: object, left: tuple[int, int], right: tuple[int, int], **_named: object) -> int:
        return 2 * left[0] * left[1] * right[1]

    register_flop_formula(torch.ops.aten.addmm_)(operations)
