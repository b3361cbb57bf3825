"""A model of a stored run: its records answer, and nothing is loaded."""

from __future__ import annotations

from typing import Any

from harness.core.errors import DataError, Where, unknown
from harness.core.model_kind import ModelKind, ObtainContext, Obtained
from harness.schema.suite.compare_section import StoredBaseline

NAME = "stored"


class StoredKind(ModelKind[StoredBaseline]):
    """`stored`: what a model answered in an earlier run, paired with today's answers by item id."""

    name = NAME
    packages = ()
    Options = StoredBaseline
    goal = "not trained here"
    audited = False
    summary = "A model of a stored run, by the records of that run."

    def label(self, options: StoredBaseline) -> str:
        """The run that holds its records."""
        return f"{options.model or 'the released model'} of the stored run {options.run}"

    def refuses_child(self, options: StoredBaseline, child: ModelKind[Any]) -> str | None:
        """There are answers, and no weights."""
        return "a model of a stored run"

    def at_hand(self, options: StoredBaseline, store: Any) -> bool:
        """Its records are read, and nothing is fetched or converted before."""
        return True

    def obtain(self, options: StoredBaseline, given: ObtainContext) -> Obtained:
        """Finds the run, holds it to its seal, and finds the model in it.

        Raises:
            DataError: where there is no such run or model, or the run was changed.
        """
        from harness.core.digests import digest
        from harness.storage.blessed_runs import stored_run

        stored = stored_run(options.run, given.folder)
        results = stored.run.read_results()
        names = [model.name for model in results.models]
        name = options.model or stored.release()
        if name is None:
            raise DataError(
                f"the stored run has no single released model; its models: {', '.join(names)}.",
                where=Where(stored.run.path),
                hint="name the model: `model: NAME` next to `run`, or --baseline-model NAME.",
            )
        if name not in names:
            raise DataError(unknown("model of the stored run", name, names), where=Where(stored.run.path))
        model = next(entry for entry in results.models if entry.name == name)
        meta = {
            "stored_run": stored.run.path.name,
            "stored_model": name,
            "stored_suite": results.suite,
            "seal": stored.seal,
        }
        return Obtained(stored.run.path, digest({"stored": stored.seal, "model": name}), model.digest, meta)
