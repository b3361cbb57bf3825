"""Columns of arrow from Python values and back, without pandas.

pyarrow's own `array`, `scalar` and `to_numpy`, and its functions that are given a Python value, import pandas where it
is installed, which takes longer than reading a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa


def number_column(values: npt.NDArray[Any], known: Sequence[bool] | None = None) -> pa.Array:
    """Numbers of a NumPy type; null where one is not known."""
    import pyarrow as pa

    mask = None if known is None or all(known) else _bits(known)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [mask, pa.py_buffer(values)])


def optional_numbers(values: Sequence[float | None]) -> pa.Array:
    """64-bit floats; null where there is none."""
    known = [value is not None for value in values]
    return number_column(np.array([0.0 if value is None else value for value in values], np.float64), known)


def flag_column(values: Sequence[bool]) -> pa.Array:
    """Yes and no, one bit each."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])


def text_column(values: Sequence[str | None]) -> pa.Array:
    """Texts; null where there is none."""
    import pyarrow as pa

    texts = [(text or "").encode("utf-8") for text in values]
    known = _bits([text is not None for text in values]) if None in values else None
    return pa.StringArray.from_buffers(
        len(texts), pa.py_buffer(_ends(map(len, texts))), pa.py_buffer(b"".join(texts)), known
    )


def list_column(rows: Sequence[Sequence[str]]) -> pa.Array:
    """Lists of texts."""
    import pyarrow as pa

    values = text_column([text for row in rows for text in row])
    return pa.ListArray.from_arrays(number_column(_ends(map(len, rows))), values)


def holds_text(column: pa.Array | pa.ChunkedArray, text: str) -> npt.NDArray[np.bool_]:
    """bool[n]: where a column of texts holds this one."""
    import pyarrow.compute as pc

    return numbers_of(pc.equal(column, text_column([text])[0]), np.uint8, 0).astype(np.bool_)


def is_missing(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """bool[n]: where a column is null."""
    return numbers_of(column.is_null(), np.uint8, 0).astype(np.bool_)


def parts_of(column: pa.Array | pa.ChunkedArray) -> Iterator[list[Any]]:
    """The values of a column as Python's, a part at a time."""
    for start in range(0, len(column), _PART):
        yield column.slice(start, _PART).to_pylist()


_PART = 65_536


def _bits(values: Sequence[bool]) -> pa.Buffer:
    import pyarrow as pa

    return pa.py_buffer(np.packbits(np.array(values, bool), bitorder="little"))


def _ends(lengths: Iterable[int]) -> npt.NDArray[np.int32]:
    ends = np.cumsum([0, *lengths], dtype=np.int64)
    if ends[-1] > np.iinfo(np.int32).max:
        raise OverflowError(f"one column of texts cannot hold {ends[-1]:,} bytes.")
    return ends.astype(np.int32)


def numbers_of(column: pa.Array | pa.ChunkedArray, dtype: npt.DTypeLike, missing: float) -> npt.NDArray[Any]:
    """A numeric column as an array; `missing` in the place of null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    instead = number_column(np.array([missing], dtype))[0]
    filled = pc.fill_null(column.cast(instead.type), instead)
    joined = filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled
    return np.asarray(np.from_dlpack(joined), dtype)


class Columns(Protocol):
    """Columns of one length, by name: a table, or what reads them when they are asked for."""

    @property
    def column_names(self) -> list[str]: ...

    @property
    def num_rows(self) -> int: ...

    def column(self, name: str) -> pa.ChunkedArray: ...


@runtime_checkable
class RowReader(Protocol):
    """Columns that read some rows without holding the others."""

    def at(self, name: str, rows: npt.NDArray[np.int64]) -> list[Any]: ...


class TakenColumns:
    """Some rows of columns; each column is taken when it is asked for.

    Args:
        rows: their numbers, in the wanted order.
    """

    def __init__(self, columns: Columns, rows: pa.Array) -> None:
        self._columns, self._rows = columns, rows

    @property
    def column_names(self) -> list[str]:
        return self._columns.column_names

    @property
    def num_rows(self) -> int:
        return len(self._rows)

    def column(self, name: str) -> pa.ChunkedArray:
        return self._columns.column(name).take(self._rows)
