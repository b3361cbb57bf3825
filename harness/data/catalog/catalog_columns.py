"""Raw rows → our columns, as the entry says."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.core.errors import DataError, Where, unknown
from harness.core.labels import as_text
from harness.data.catalog.catalog_schema import CatalogEntry, Cluster, Column
from harness.data.parsers.raw_row import _SCALARS, Raw, number_of, plain
from harness.data.splits import Prepared, split_name

_SLOT = re.compile(r"\{(\w+)\}")


def prepare(raws: Iterable[Raw], entry: CatalogEntry, part: str, where: str) -> Iterator[Prepared]:
    """The prepared rows of one part. A row that lacks a value whose column says `missing: drop` is left out.

    Raises:
        DataError: for a missing column or value, a number that is none, an unknown label; with
            file and line.
    """
    rules = entry.parts[part]
    namespace = rules.namespace if rules.namespace is not None else part
    for raw in raws:
        place = Where(where, raw.line)
        fields: dict[str, Any] | None = dict(rules.constants)
        for name, column in entry.columns.items():
            value = _value(name, column, raw.fields, fields or {}, entry.labels.get(name), place)
            if value is None:
                fields = None
                break
            if fields is not None:
                fields[name] = value
        if fields is None:
            continue
        _check_labels(fields, entry.labels, place)
        parent = _parent(entry.cluster, fields, raw.fields, place)
        yield Prepared(
            fields=fields,
            cluster=None if parent is None else f"{namespace}/{parent}",
            namespace=namespace,
            split=rules.split or _given_split(entry, raw, place),
            slices=tuple(f"{name}={fields[name]}" for name in entry.slices),
            origin=f"{part}/{raw.fields['id']}" if raw.fields.get("id") is not None else part,
            line=raw.line,
        )


def _value(
    name: str,
    column: Column,
    raw: Mapping[str, Any],
    done: Mapping[str, Any],
    labels: list[str] | None,
    place: Where,
) -> Any:
    if column.template is not None:
        return _SLOT.sub(lambda slot: as_text(done.get(slot.group(1), "")), column.template)
    source = column.from_ or name
    value = plain(raw.get(source))
    if value is None:
        if column.missing == "drop":
            return None
        if source not in raw:
            raise DataError(unknown("column", source, raw), where=place, hint=f"it maps to the column {name!r}.")
        raise DataError(f"column {source!r} has no value.", where=place, hint="fill it in, or remove the row.")
    if not isinstance(value, _SCALARS):
        raise DataError(f"column {source!r}: expected a text or number, found a {type(value).__name__}.", where=place)
    if column.band is not None and labels is not None:
        low, high = column.band
        number = number_of(value, source, place)
        return labels[0] if number < low else labels[2] if number > high else labels[1]
    if column.type == "number":
        return number_of(value, source, place)
    return _text(column, as_text(value), name, place)


def _text(column: Column, text: str, name: str, place: Where) -> str:
    if column.before is not None:
        text = text.split(column.before, 1)[0]
    if column.after is not None:
        text = text.split(column.after, 1)[-1]
    if column.unescape:
        text = html.unescape(text)
    if column.words is not None:
        text = " ".join(text.split()[: column.words])
    if not column.verbatim:
        text = text.strip()
    if column.blank is not None and text == column.blank:
        return ""
    if column.map is not None:
        if text not in column.map:
            raise DataError(f"column {name!r}: {unknown('value', text, column.map)}", where=place)
        text = column.map[text]
    return text


def _check_labels(fields: Mapping[str, Any], labels: Mapping[str, list[str]], place: Where) -> None:
    for name, known in labels.items():
        if fields[name] not in known:
            raise DataError(f"column {name!r}: {unknown('label', str(fields[name]), known)}", where=place)


def _parent(cluster: Cluster | None, fields: Mapping[str, Any], raw: Mapping[str, Any], place: Where) -> str | None:
    if cluster is None:
        return None
    value = fields.get(cluster.column, plain(raw.get(cluster.column)))
    if value is None or value == "":
        raise DataError(f"the cluster column: {unknown('column', cluster.column, {**raw, **fields})}", where=place)
    text = as_text(value)
    return text.split(cluster.before, 1)[0] if cluster.before is not None else text


def _given_split(entry: CatalogEntry, raw: Raw, place: Where) -> str | None:
    value = raw.fields.get("split") if "split" not in entry.columns else None
    return None if value is None else split_name(str(value), place)
