"""Finding the way from pydantic's error locations back to the keys of the file.

pydantic puts the name of a union's branch into a location (`method`, `LoraMethod`, `lora`);
the file has no such key, and which keys are known there depends on the branch.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

Key = str | int


@dataclass(frozen=True, slots=True)
class Branch:
    """A union on the way: where it stands, which branch, what keys its models take."""

    path: tuple[Key, ...]
    branch: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """A location in the file's own keys.

    Attributes:
        known: the keys that are known beside the last one.
        unions: the unions on the way, outermost first.
    """

    path: tuple[Key, ...]
    known: tuple[str, ...]
    unions: tuple[Branch, ...]


def locate(annotation: Any, loc: Sequence[Key]) -> Located:
    """Walks a type along an error location."""
    current: Any = annotation
    path: list[Key] = []
    known: tuple[str, ...] = ()
    unions: list[Branch] = []
    for element in loc:
        current = _bare(current)
        members = _members(current)
        if len(members) > 1:
            current, name = _pick(members, str(element))
            unions.append(Branch(tuple(path), name, union_keys(members)))
            continue
        current = members[0]
        known = field_names(current)
        path.append(element)
        current = _step(current, element)
    return Located(tuple(path), known, tuple(unions))


def field_names(model: Any) -> tuple[str, ...]:
    """The keys that a model takes in a file (aliases where there are some)."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        return tuple(field.alias or name for name, field in model.model_fields.items())
    return ()


def union_keys(members: Sequence[Any]) -> tuple[str, ...]:
    """The required keys of a union's models: what tells its branches apart."""
    names: list[str] = []
    for member in members:
        if isinstance(member, type) and issubclass(member, BaseModel):
            names += [field.alias or name for name, field in member.model_fields.items() if field.is_required()][:1]
    return tuple(dict.fromkeys(names))


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _members(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [_bare(member) for member in get_args(annotation) if member is not type(None)]
    return [annotation]


def _pick(members: Sequence[Any], element: str) -> tuple[Any, str]:
    for member in members:
        name = member.__name__ if isinstance(member, type) else ""
        origin = get_origin(member)
        if origin is Literal:
            name = "literal["
        elif isinstance(origin, type):
            name = f"{origin.__name__}["
        if name and (element == name or (name.endswith("[") and element.startswith(name))):
            return member, element
    return Any, element


def _step(annotation: Any, element: Key) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if element in (name, field.alias):
                return field.annotation
        return Any
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple and isinstance(element, int):
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return arguments[0]
        return arguments[element] if element < len(arguments) else Any
    if isinstance(origin, type) and issubclass(origin, Mapping) and len(arguments) == 2:
        return arguments[1]
    return arguments[0] if arguments else Any
