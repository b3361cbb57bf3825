"""Columns of arrow are those of pyarrow itself, and need no pandas."""

import subprocess
import sys

import numpy as np
import pyarrow as pa

from harness.core.arrow_columns import (
    flag_column,
    list_column,
    number_column,
    numbers_of,
    optional_numbers,
    text_column,
)


def test_columns_equal_those_of_pyarrow() -> None:
    texts = ["", "ä", "naïve 🎉", "a\nb"]
    rows = [[], ["x", "ß"], ["y"]]
    assert text_column(texts).equals(pa.array(texts, pa.string()))
    assert text_column(["a", None, ""]).equals(pa.array(["a", None, ""], pa.string()))
    assert optional_numbers([1, None, -0.5]).equals(pa.array([1.0, None, -0.5]))
    assert list_column(rows).equals(pa.array(rows, pa.list_(pa.string())))
    assert list_column([]).equals(pa.array([], pa.list_(pa.string())))
    assert flag_column([True, False] * 9).equals(pa.array([True, False] * 9))
    assert number_column(np.array([1, 2])).equals(pa.array([1, 2]))


def test_missing_numbers_have_the_stand_in() -> None:
    column = pa.chunked_array([pa.array([1, None], pa.int32()), pa.array([3], pa.int32())])
    assert numbers_of(column, np.int64, -1).tolist() == [1, -1, 3]
    assert np.isnan(numbers_of(pa.array([None, 2.5]), np.float64, np.nan)).tolist() == [True, False]


def test_no_pandas() -> None:
    code = (
        "import sys, numpy as np\nfrom harness.core.arrow_columns import *\n"
        "from harness.core import arrow_columns as a\n"
        "a.numbers_of(a.number_column(np.array([1])), np.int64, -1); a.list_column([['x']]); a.flag_column([True])\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
