"""The files of a run directory: the only thing that reports, gates and comparisons read.

run.json        command, suite text, versions, hardware, timings (what may differ between runs)
results.json    metrics, comparisons, verdicts (schema/results)
seal.json       digests of run.json, results.json and all records: what was changed since is refused
records/<evaluation>/<model>.parquet      what each model did on each item
records/<evaluation>/<model>/seed-<n>.parquet      the same for further training seeds of the model
items/<evaluation>.parquet                the texts of the items, once
training/<model>.jsonl                    loss, learning rate, throughput
audits/<data>-<split>-<purpose>.json      what the data of training and evaluation say of groups
report.html  summary.md  junit.xml  model-card.md
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, Where
from harness.core.records import Records
from harness.schema.renames import rename_statistic
from harness.schema.results.base import finite
from harness.schema.results.renamed_results import rename_results
from harness.schema.results.results_file import RESULTS_SCHEMA, Results
from harness.schema.results.version_1 import VERSION_1, from_version_1
from harness.schema.run_info import RunInfo
from harness.schema.validation import in_short, in_words
from harness.storage import atomic, plain_files, seal
from harness.storage.items_file import StoredItem, read_items
from harness.storage.records_file import read_records


class RunDir:
    """Paths, reading and writing of one run directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._checked: dict[bool, bool] = {}

    @cached_property
    def _earlier(self) -> bool:
        return self.info_path.is_file() and self.read_info().earlier_version is not None

    @property
    def results_path(self) -> Path:
        return self.path / seal.RESULTS

    @property
    def info_path(self) -> Path:
        return self.path / seal.INFO

    def records_path(self, evaluation: str, model: str) -> Path:
        return self.path / "records" / _part(evaluation) / f"{_part(model)}.parquet"

    def replicate_path(self, evaluation: str, model: str, seed: int) -> Path:
        """Where the records of a further training seed of a model stand."""
        return self.path / "records" / _part(evaluation) / _part(model) / f"seed-{seed}.parquet"

    def items_path(self, evaluation: str) -> Path:
        return self.path / "items" / f"{_part(evaluation)}.parquet"

    def training_path(self, model: str) -> Path:
        return self.path / "training" / f"{_part(model)}.jsonl"

    def records(self, evaluation: str, model: str) -> Records:
        return self.read_records(self.records_path(evaluation, model))

    def read_records(self, path: Path) -> Records:
        """Reads one file of records; statistics of a run of 0.1.0 get their current names."""
        records = read_records(path)
        return records.with_statistics(rename_statistic) if self._earlier else records

    def replicates(self, evaluation: str, model: str) -> list[Records]:
        """The records of every training seed of a model, the first seed first, then in order of seeds."""
        folder = self.path / "records" / _part(evaluation) / _part(model)
        further = [self.read_records(path) for path in folder.glob("seed-*.parquet")]
        return [self.records(evaluation, model), *sorted(further, key=lambda records: records.head.seed)]

    def models(self, evaluation: str) -> list[str]:
        """The models with records of an evaluation, sorted."""
        return sorted(path.stem for path in (self.path / "records" / _part(evaluation)).glob("*.parquet"))

    def check(self, *, figures: bool = True) -> None:
        """Holds the run to its seal; a run of 0.1.0, which has none, to the digests of records in its run.json.

        Args:
            figures: whether the figures of results.json count. Where they do not, results.json may have changed, but
                not in what it says of whom it asked what.

        Raises:
            DataError: when a file changed, is missing or was added, with every such file; when the run is not sealed.
        """
        if self._checked.get(figures):
            return
        seal.settle(self.path)
        changed = list(self._changed(figures))
        if changed:
            only_results = all(line.startswith(f"{seal.RESULTS}: changed") for line in changed)
            rest = ", or `harness gate RUN --from-records`, which reads the records alone" if only_results else ""
            raise DataError(
                f"the run was changed since it was sealed: {len(changed)} of its files differ.",
                where=Where(self.path),
                notes=[f"  {line}" for line in changed],
                hint=f"restore the files; or rerun the suite (what the cache holds is not computed again){rest}.",
            )
        self._checked[figures] = True

    def _changed(self, figures: bool) -> Iterator[str]:
        try:
            stamped = seal.read(self.path)
        except FileNotFoundError:
            self._require_earlier()
            yield from seal.record_differences(self.path, self.read_info().records)
            return
        except (OSError, ValueError) as error:
            yield f"{seal.SEAL}: cannot be read: {in_short(error)}"
            return
        for line in seal.differences(self.path, stamped):
            if figures or not line.startswith(f"{seal.RESULTS}: changed") or not self._same_questions(stamped):
                yield line

    def _same_questions(self, stamped: seal.Seal) -> bool:
        try:
            return seal.evaluations_digest(plain_files.read_bytes(self.results_path)) == stamped.evaluations
        except (OSError, ValueError):
            return False

    def _require_earlier(self) -> None:
        """A run without a seal is one of 0.1.0, in both of its files; else it was never finished, or lost its seal."""
        info = self.read_info()
        try:
            value = plain_files.read_json(self.results_path)
        except FileNotFoundError as error:
            raise self._unfinished() from error
        except (OSError, ValueError) as error:
            raise _unreadable(self.results_path, error) from error
        version = value.get("schema_version") if isinstance(value, dict) else None
        if info.earlier_version is None or version not in (None, VERSION_1):
            finished = "" if info.state == "finished" else f" The run ended as {info.state!r}."
            raise DataError(
                f"expected {seal.SEAL}, found nothing: harness seals every run that it finishes.{finished}",
                where=Where(self.path),
                hint="restore the file, or rerun the suite (what the cache holds is not computed again).",
            )

    def _unfinished(self) -> DataError:
        return DataError(
            "no results.json in this folder.",
            where=Where(self.results_path),
            hint="pass the folder of a finished run.",
        )

    def stamp(self) -> str:
        """A digest of names, sizes and times of the files that the seal covers, and of the seal's own."""
        return seal.stamp(self.path)

    @property
    def sealed(self) -> bool:
        """Whether there is a seal, of whatever."""
        return (self.path / seal.SEAL).is_file()

    def read_results(self, *, figures: bool = True) -> Results:
        """Reads results.json, also of runs that 0.1.0 made, once the run is held to its seal.

        Args:
            figures: as in `check`; without them, metrics, comparisons and verdicts are not to be believed.

        Raises:
            DataError: when the run was changed, or results.json is missing, damaged or of another schema version.
        """
        self.check(figures=figures)
        try:
            content = plain_files.read_bytes(self.results_path)
        except FileNotFoundError as error:
            raise self._unfinished() from error
        except OSError as error:
            raise _unreadable(self.results_path, error) from error
        return results_of(content, self.results_path)

    def write(self, results: Results, info: RunInfo | None = None) -> None:
        """Writes results.json and run.json and seals the run: all of it, or nothing when it is stopped.

        Args:
            info: the content of run.json; what it holds already when None.

        Raises:
            DataError: when a file of records cannot be read.
            IncompleteError: when the folder cannot be written.
        """
        value = finite(results.model_dump(mode="json", by_alias=True))
        contents = {seal.RESULTS: _json_bytes(value)}
        if info is not None:
            contents[seal.INFO] = _info_text(info).encode("utf-8")
        try:
            seal.write(self.path, contents, value["evaluations"])
        except (OSError, ValueError) as error:
            raise DataError(f"cannot seal the run: {in_short(error)}", where=Where(self.path)) from error
        self._checked.clear()
        self.__dict__.pop("_earlier", None)

    def read_info(self) -> RunInfo:
        """Reads run.json.

        Raises:
            DataError: when it is missing or damaged.
        """
        try:
            value = plain_files.read_json(self.info_path)
            return RunInfo.model_validate({"format": 1, **value} if isinstance(value, dict) else value)
        except FileNotFoundError as error:
            raise DataError(
                "this is not a run directory (no run.json).",
                where=Where(self.path),
                hint="pass a folder created by `harness run`, such as reports/sentiment/<run id>.",
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot read run.json: {in_short(error)}", where=Where(self.info_path), hint="rerun the suite."
            ) from error

    def write_info(self, info: RunInfo) -> None:
        """Writes run.json of a run that is not finished: `write` finishes it."""
        atomic.write_text(self.info_path, _info_text(info))

    def read_training(self, model: str) -> list[dict[str, Any]]:
        """The training log of a model: one mapping per logged step; empty when there is none.

        Raises:
            DataError: when it is damaged.
        """
        path = self.training_path(model)
        if not path.is_file():
            return []
        try:
            rows = [plain_files.parse_json(line) for line in plain_files.read_text(path).splitlines() if line.strip()]
            if not all(isinstance(row, dict) for row in rows):
                raise ValueError("expected one JSON object per line")
        except (OSError, ValueError) as error:
            raise DataError(
                f"cannot read the training log: {in_short(error)}", where=Where(path), hint="rerun the suite."
            ) from error
        return rows

    def read_items(self, evaluation: str) -> list[StoredItem]:
        return read_items(self.items_path(evaluation))


def _json_bytes(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode("utf-8")


def results_of(content: bytes, path: Path) -> Results:
    """The results in the bytes of results.json, also those of 0.1.0.

    Args:
        path: where they come from, for messages.

    Raises:
        DataError: when they are damaged or of another schema version.
    """
    try:
        value = plain_files.parse_json(content)
        if not isinstance(value, dict):
            raise ValueError(f"expected an object, found {in_words(value)}")
        version = value.get("schema_version")
        if version == VERSION_1:
            value = {**_upgraded(value), "schema_version": RESULTS_SCHEMA}
        elif version != RESULTS_SCHEMA:
            raise ValueError(f"schema version {version}, expected {RESULTS_SCHEMA}")
        return Results.model_validate(value)
    except ValueError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"cannot read results.json: {in_short(error)}", where=Where(path), hint="rerun the suite.")


def _info_text(info: RunInfo) -> str:
    return info.model_dump_json(indent=1) + "\n"


def _part(name: str) -> str:
    """A name out of a run, as one part of a path: the run may be a stranger's.

    Raises:
        DataError: when it is more than a name.
    """
    if not name or Path(name).name != name or name == os.pardir or "\0" in name:
        raise DataError(
            f"expected a name, found {name[:60]!r}, which points outside the run directory.", hint="rerun the suite."
        )
    return name


def _upgraded(value: dict[str, Any]) -> dict[str, Any]:
    try:
        return from_version_1(value, translate=rename_results)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError("the file is not as version 1 wrote it") from error
