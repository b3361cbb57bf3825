"""A YAML text as plain data, with the place of every key and value.

The text is hostile input: nothing is constructed from tags, aliases cannot blow up, depth and
size are bounded. ruamel.yaml scans and parses; the values are built here from its events, so
that nothing of YAML 1.1 remains.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.core.errors import Key, Problems, SuiteError, Where
from harness.suite.yaml.node_builder import Builder, Node
from harness.suite.yaml.yaml_events import yaml_events

MAX_BYTES = 1_000_000


class Document:
    """A YAML file: `text`, `value` (mappings, lists, scalars) and `where`.

    Keys are always text, as they are written (`1:` is the key "1", `no:` the key "no").
    """

    def __init__(self, root: Node, file: str | Path, text: str) -> None:
        self._root = root
        self.file = file
        self.text = text
        self.value: Any = root.value

    def where(self, *keys: Key, key: bool = False) -> Where:
        """The place of what stands below `keys`; of the deepest part that exists.

        A mapping, list or nothing is shown at its key, a scalar at itself; `key` asks for the key.
        """
        node, place = self._root, (self._root.line, self._root.column)
        for name in keys:
            child = node.children.get(name)
            if child is None:
                break
            at_key = node.keys.get(name)
            place = (child.line, child.column)
            if at_key is not None and (key or child.collection or child.value is None):
                place = at_key
            node = child
        return Where(self.file, *place)


def read_bytes(path: Path) -> bytes:
    """The bytes of a suite file.

    Raises:
        SuiteError: when it cannot be read or is too large to be a suite.
    """
    try:
        if path.is_dir():
            raise SuiteError(
                "expected a YAML file, found a folder.", where=Where(path), hint="pass a file in the folder."
            )
        with path.open("rb") as handle:
            content = handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise SuiteError(f"cannot read the file: {error.strerror}.", where=Where(path)) from error
    if len(content) > MAX_BYTES:
        raise SuiteError(f"file too large for a suite (limit {MAX_BYTES} bytes).", where=Where(path))
    return content


def decode(content: bytes, file: str | Path) -> str:
    """UTF-8 text, with or without a byte order mark.

    Raises:
        SuiteError: with the offset of the first byte that is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bom = 3 if content.startswith(b"\xef\xbb\xbf") else 0
        offset = error.start + bom
        before = content[:offset]
        raise SuiteError(
            f"expected UTF-8, found the byte 0x{content[offset]:02x} at offset {offset}.",
            where=Where(file, before.count(b"\n") + 1),
            hint="save the file as UTF-8.",
        ) from error


def parse(text: str, file: str | Path) -> Document:
    """Reads one YAML document.

    Raises:
        SuiteError: for anything that is not plain YAML 1.2: with line and column.
    """
    builder = Builder(file)
    root: Node | None = None
    documents = 0
    for event in yaml_events(text, file):
        kind = event.kind
        if kind == "document":
            documents += 1
            if documents > 1:
                raise SuiteError(
                    "expected one YAML document, found a second one.",
                    where=Where(file, event.line, event.column),
                    hint="remove the line `---`.",
                )
        else:
            root = builder.take(event) or root
    if root is None:
        raise SuiteError("the file is empty.", where=Where(file, 1), hint="run `harness init` to generate a suite.")
    document = Document(root, file, text)
    problems = Problems(document.where)
    problems.extend(builder.problems)
    problems.raise_any()
    return document
