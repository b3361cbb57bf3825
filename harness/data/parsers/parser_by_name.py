"""Bytes → raw rows, one file per format.

A parser is a function `parse(content, where, options) -> Iterator[Raw]`. Content is hostile: what does not
fit is a `DataError` with file and line, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from harness.core.errors import DataError, unknown
from harness.data.parsers.raw_row import Raw

PARSERS_VERSION = 5
"""Part of the key of every parsed dataset: raise it when a parser reads the same bytes differently."""

_PARSERS = {
    "csv": "harness.data.parsers.csv_tsv:parse_csv",
    "tsv": "harness.data.parsers.csv_tsv:parse_tsv",
    "jsonl": "harness.data.parsers.json_documents:parse_jsonl",
    "jsonl_gz": "harness.data.parsers.annotated:parse_jsonl_gz",
    "json": "harness.data.parsers.json_documents:parse_json",
    "parquet": "harness.data.parsers.parquet:parse_parquet",
    "txt": "harness.data.parsers.plain_lines:parse_txt",
    "wikitext": "harness.data.parsers.plain_lines:parse_wikitext",
    "dialogues": "harness.data.parsers.json_documents:parse_dialogues",
    "conll": "harness.data.parsers.annotated:parse_conll",
    "lists": "harness.data.parsers.annotated:parse_lists",
    "choices": "harness.data.parsers.annotated:parse_choices",
    "squad": "harness.data.parsers.annotated:parse_squad",
    "glosses": "harness.data.parsers.annotated:parse_glosses",
    "interface": "harness.data.parsers.interface_strings:parse_interface",
    "bbq": "harness.data.parsers.bias_sets:parse_bbq",
    "bold": "harness.data.parsers.bias_sets:parse_bold",
    "descriptors": "harness.data.parsers.bias_sets:parse_descriptors",
    "stereoset": "harness.data.parsers.bias_sets:parse_stereoset",
    "winobias": "harness.data.parsers.bias_sets:parse_winobias",
    "winogender": "harness.data.parsers.bias_sets:parse_winogender",
}

Parser = Callable[[bytes, str, Mapping[str, Any]], Iterator[Raw]]


def parser(name: str) -> Parser:
    """The parser of a name; outside parsers are named `package.module:function`.

    Raises:
        DataError: for an unknown name.
    """
    target = _PARSERS.get(name, name if ":" in name else None)
    if target is None:
        raise DataError(unknown("parser", name, _PARSERS))
    module, _, function = target.partition(":")
    loaded: Parser = getattr(import_module(module), function)
    return loaded


__all__ = ["PARSERS_VERSION", "Parser", "Raw", "parser"]
