"""Sources of outside packages: the entry point group `harness.sources`.

A source is a callable `open(options: dict, base: Path) -> Iterable[Mapping]`. `options` is what
the suite says, `base` the suite's folder. Each mapping is one row: column → text, number or truth
value. Four keys have a meaning: `id` (the row's own id), `cluster` (its parent), `split` (train,
validation, test) and `slices` (texts `key=value`); all are optional, but in all rows or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.core import registry
from harness.core.errors import DataError, HarnessError, Where
from harness.data.parsers.raw_row import Raw
from harness.data.user_data import Adopted, Wishes, adopt


def read(name: str, options: dict[str, Any], base: Path) -> Adopted:
    """All rows of an outside source.

    Raises:
        SuiteError: when no package registers the name.
        DataError: when the source fails or gives something else than rows.
    """
    where = f"source {name}"
    opened = registry.load("sources", name)
    raws: list[Raw] = []
    slices: list[tuple[str, ...]] = []
    try:
        for number, row in enumerate(opened(dict(options), base), 1):
            if not isinstance(row, Mapping):
                raise DataError(f"expected a mapping, found a {type(row).__name__}.", where=Where(where, number))
            fields = {str(key): value for key, value in row.items()}
            slices.append(tuple(str(item) for item in fields.pop("slices", ())))
            raws.append(Raw(number, fields))
    except HarnessError:
        raise
    except Exception as error:  # code of others may raise anything; the person needs to know whose it is
        raise DataError(
            f"the data source {name!r} (package {registry.origin('sources', name)!r}) failed: {error!r}",
            hint="check its options in the suite, or report the problem to the package's maintainers.",
        ) from error
    first = raws[0].fields if raws else {}
    wishes = Wishes(
        id="id" if "id" in first else None,
        cluster="cluster" if "cluster" in first else None,
        split="split" if "split" in first else None,
    )
    adopted = adopt(raws, wishes, where)
    rows = [replace(row, slices=own) for row, own in zip(adopted.rows, slices, strict=True)]
    return replace(adopted, rows=rows)
