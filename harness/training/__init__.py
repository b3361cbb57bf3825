"""Stages: pretraining and fine-tuning; everything that is trained is a stage.

Importing this package loads no torch; carrying out a stage does.
"""

from __future__ import annotations

from harness.training.inputs import StageInputs
from harness.training.presets import ARCHITECTURES
from harness.training.stage import estimate_cost, resolved, run_stage

__all__ = ["ARCHITECTURES", "StageInputs", "estimate_cost", "resolved", "run_stage"]
