"""Stages: pretraining, fine-tuning and alignment; everything that is trained is a stage.

Importing this package loads no torch; carrying out a stage does.
"""

from __future__ import annotations

from harness.training.inputs import StageInputs
from harness.training.presets import ARCHITECTURES, architecture
from harness.training.stage import estimate_cost, merge_adapter, resolved, run_stage

__all__ = ["ARCHITECTURES", "StageInputs", "architecture", "estimate_cost", "merge_adapter", "resolved", "run_stage"]
