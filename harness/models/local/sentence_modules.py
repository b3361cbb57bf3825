"""What a sentence encoder of sentence-transformers does to a pooled vector: dense layers, and length one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from harness.core.errors import CheckpointError, Where
from harness.core.records import FloatArray
from harness.models.checkpoint.checkpoint_files import read_json, read_tensors
from harness.models.checkpoint.formats.sentence_pooling import DENSE_WEIGHTS, SentencePooling

Step = Callable[[FloatArray], FloatArray]


def _gelu(values: FloatArray) -> FloatArray:
    return np.array([value / 2 * (1 + math.erf(value / math.sqrt(2))) for value in values.tolist()])


_ACTIVATIONS: Mapping[str, Step] = {
    "Identity": lambda values: values,
    "Tanh": np.tanh,
    "ReLU": lambda values: np.maximum(values, 0.0),
    "GELU": _gelu,
    "Sigmoid": lambda values: 1 / (1 + np.exp(-values)),
}


@dataclass(frozen=True, slots=True)
class SentenceModules:
    """The steps behind a pooling.

    Attributes:
        chain: the pooling and the steps, as `requests.Embed` names them; None for no sentence encoder.
        steps: one function for each step.
        prompts: name → text.
        max_length: tokens that are read of a text; None for as many as the encoder takes.
    """

    chain: str | None = None
    steps: tuple[Step, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    max_length: int | None = None

    def after(self, vector: FloatArray) -> FloatArray:
        """The vector behind all steps."""
        for step in self.steps:
            vector = step(vector)
        return vector


NO_MODULES = SentenceModules()


def load_modules(pooling: SentencePooling | None) -> SentenceModules:
    """Reads the dense layers of a folder.

    Raises:
        CheckpointError: for weights that do not fit their configuration.
    """
    if pooling is None:
        return NO_MODULES
    steps = tuple(_dense(place) if name == "dense" else _normalized for name, place in pooling.steps)
    return SentenceModules(pooling.chain, steps, pooling.prompts, pooling.max_length)


def _normalized(vector: FloatArray) -> FloatArray:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _dense(folder: Path) -> Step:
    settings, file = read_json(folder / "config.json"), folder / DENSE_WEIGHTS
    biased = settings.get("bias", True) is True
    tensors = read_tensors(file, ("linear.weight", "linear.bias") if biased else ("linear.weight",))
    weight, bias = tensors["linear.weight"], tensors.get("linear.bias", np.zeros(1))
    outputs, inputs = settings.get("out_features"), settings.get("in_features")
    if weight.shape != (outputs, inputs) or (biased and bias.shape != (outputs,)):
        raise CheckpointError(
            f"expected a dense layer of {inputs} to {outputs} features, found {weight.shape}.",
            where=Where(file),
            hint="copy the folder again.",
        )
    activation = _ACTIVATIONS[str(settings.get("activation_function", "Tanh")).rpartition(".")[2]]

    def step(vector: FloatArray) -> FloatArray:
        return activation(weight @ vector + bias)

    return step
