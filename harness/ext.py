"""All that an outside package imports: everything else may move between versions.

`docs/plugins.md` has a complete example of each kind of plug-in. No name here loads torch or transformers.
"""

from __future__ import annotations

from harness.core.dataset import Dataset, Row
from harness.core.digests import digest, text_digest
from harness.core.errors import DataError, HarnessError, SuiteError
from harness.core.evaluation import Evaluation, EvaluationContext, Item, ItemMeasure
from harness.core.examples import LabeledText, PlainText, PromptTarget
from harness.core.metric import Direction, Metric, MetricContext, MetricFactory, MetricKind, RecomputedMetric, Role
from harness.core.model import Backend, Model, ModelFacts
from harness.core.model_kind import CheckpointFormat, Extra, ModelKind, ObtainContext, Obtained, StageCost, TrainingNeed
from harness.core.records import ITEM, Record, Records, RecordsHead
from harness.core.reporter import Reporter
from harness.core.requests import (
    Classify,
    Cloze,
    Continuations,
    Failure,
    Generate,
    Generated,
    Likelihood,
    PseudoLikelihood,
    Request,
    Response,
    RollingLikelihood,
    Scores,
    TargetLikelihood,
)
from harness.evaluations.probe_base import OnTaskProbe, Probe
from harness.evaluations.row_task import PARENT, RowOptions, RowTask
from harness.importers.imported_log import LoggedAnswer, LoggedEvaluation, LogImporter, ModelLog
from harness.metrics.column_metrics import MeanOf, RatioOf
from harness.metrics.metric_shapes import (
    ExponentialRatioMetric,
    Factory,
    JackknifeMetric,
    MeanMetric,
    RatioMetric,
    RecordMetric,
    column,
    divide,
)
from harness.models.checkpoint.checkpoint_digest import checkpoint_digest
from harness.models.open_context import OpenContext
from harness.models.response_builders import choose
from harness.report.sections.outside_sections import ReportSection, SectionTable, StoredRun
from harness.schema.suite.data_refs import DataName
from harness.schema.suite.evaluation_options import EvaluationOptions, OnTaskOptions
from harness.schema.suite.types import Strict
from harness.training.checkpoint_metadata import write_metadata
from harness.training.stage_inputs import StageInputs

__all__ = [
    "Backend",
    "checkpoint_digest",
    "CheckpointFormat",
    "choose",
    "Classify",
    "Cloze",
    "column",
    "Continuations",
    "DataError",
    "DataName",
    "Dataset",
    "digest",
    "Direction",
    "divide",
    "Evaluation",
    "EvaluationContext",
    "EvaluationOptions",
    "ExponentialRatioMetric",
    "Extra",
    "Factory",
    "Failure",
    "Generate",
    "Generated",
    "HarnessError",
    "ITEM",
    "Item",
    "ItemMeasure",
    "JackknifeMetric",
    "LabeledText",
    "Likelihood",
    "LoggedAnswer",
    "LoggedEvaluation",
    "LogImporter",
    "MeanMetric",
    "MeanOf",
    "Metric",
    "MetricContext",
    "MetricFactory",
    "MetricKind",
    "Model",
    "ModelFacts",
    "ModelKind",
    "ModelLog",
    "ObtainContext",
    "Obtained",
    "OnTaskOptions",
    "OnTaskProbe",
    "OpenContext",
    "PARENT",
    "PlainText",
    "Probe",
    "PromptTarget",
    "PseudoLikelihood",
    "TargetLikelihood",
    "RatioMetric",
    "RatioOf",
    "RecomputedMetric",
    "Record",
    "RecordMetric",
    "Records",
    "RecordsHead",
    "Reporter",
    "ReportSection",
    "Request",
    "Response",
    "Role",
    "RollingLikelihood",
    "Row",
    "RowOptions",
    "RowTask",
    "Scores",
    "SectionTable",
    "StageCost",
    "StageInputs",
    "StoredRun",
    "Strict",
    "SuiteError",
    "text_digest",
    "TrainingNeed",
    "write_metadata",
]
