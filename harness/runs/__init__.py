"""Plan a suite as steps with content keys, and execute them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.runs.audit import audit_suite
    from harness.runs.checkpoints import catalog_checkpoints, checkpoint_titles, fetch_checkpoints
    from harness.runs.compare import compare_runs
    from harness.runs.execute import Finished, Settings, run_suite, train_models
    from harness.runs.explaining import Explained, explain_run
    from harness.runs.export import Exported, export_model
    from harness.runs.folders import find, find_newest
    from harness.runs.judging import judge_again, judged_info, store_verdicts
    from harness.runs.lm_eval_logs import import_lm_eval
    from harness.runs.lm_eval_logs import named as lm_eval_sources
    from harness.runs.locking import Lock, lock_path, read_lock, write_lock
    from harness.runs.plan import Plan, plan_suite
    from harness.runs.prepare import references as data_references
    from harness.runs.provenance import answering
    from harness.runs.selftest import selftest_run

_WHERE = {
    "selftest_run": ("selftest", "selftest_run"),
    "Explained": ("explaining", "Explained"),
    "Exported": ("export", "Exported"),
    "Finished": ("execute", "Finished"),
    "Plan": ("plan", "Plan"),
    "Settings": ("execute", "Settings"),
    "answering": ("provenance", "answering"),
    "audit_suite": ("audit", "audit_suite"),
    "catalog_checkpoints": ("checkpoints", "catalog_checkpoints"),
    "checkpoint_titles": ("checkpoints", "checkpoint_titles"),
    "compare_runs": ("compare", "compare_runs"),
    "data_references": ("prepare", "references"),
    "explain_run": ("explaining", "explain_run"),
    "export_model": ("export", "export_model"),
    "fetch_checkpoints": ("checkpoints", "fetch_checkpoints"),
    "import_lm_eval": ("lm_eval_logs", "import_lm_eval"),
    "lm_eval_sources": ("lm_eval_logs", "named"),
    "find": ("folders", "find"),
    "find_newest": ("folders", "find_newest"),
    "judge_again": ("judging", "judge_again"),
    "judged_info": ("judging", "judged_info"),
    "store_verdicts": ("judging", "store_verdicts"),
    "Lock": ("locking", "Lock"),
    "lock_path": ("locking", "lock_path"),
    "read_lock": ("locking", "read_lock"),
    "write_lock": ("locking", "write_lock"),
    "plan_suite": ("plan", "plan_suite"),
    "run_suite": ("execute", "run_suite"),
    "train_models": ("execute", "train_models"),
}

__all__ = [
    "Explained",
    "Exported",
    "Finished",
    "Lock",
    "Plan",
    "Settings",
    "answering",
    "audit_suite",
    "catalog_checkpoints",
    "checkpoint_titles",
    "compare_runs",
    "data_references",
    "explain_run",
    "export_model",
    "fetch_checkpoints",
    "find",
    "find_newest",
    "import_lm_eval",
    "judge_again",
    "judged_info",
    "lm_eval_sources",
    "lock_path",
    "plan_suite",
    "read_lock",
    "run_suite",
    "selftest_run",
    "store_verdicts",
    "train_models",
    "write_lock",
]


def __getattr__(name: str) -> Any:
    # Commands reach one part each; the others stay unimported.
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _WHERE[name]
    return getattr(import_module(f"harness.runs.{module}"), attribute)
