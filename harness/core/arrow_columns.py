"""Columns of arrow from Python values and back, without pandas.

pyarrow's own `array`, `scalar` and `to_numpy`, and its functions that are given a Python value, import pandas where it
is installed, which takes longer than reading a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

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
