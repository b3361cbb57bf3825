"""Puts something else in the place of a module's attribute for a while, whether the module is imported yet or not."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _Replacement(MetaPathFinder, Loader):
    """Replaces the attribute as soon as the module is imported, before who imports it sees it."""

    def __init__(self, module: str, attribute: str, value: Any) -> None:
        self._name, self._attribute, self._value = module, attribute, value
        self._loader: Loader | None = None
        self._changed: tuple[ModuleType, Any] | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        for finder in sys.meta_path[sys.meta_path.index(self) + 1 :]:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                self._loader, spec.loader = spec.loader, self
                return spec
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        assert self._loader is not None
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        loader, self._loader = self._loader, None
        assert loader is not None
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = loader
        loader.exec_module(module)
        self.put(module)

    def put(self, module: ModuleType) -> None:
        self._changed = module, getattr(module, self._attribute)
        setattr(module, self._attribute, self._value)

    def restore(self) -> None:
        if self._changed is not None:
            module, before = self._changed
            setattr(module, self._attribute, before)


@contextmanager
def replaced(module: str, attribute: str, value: Any) -> Iterator[None]:
    """Replaces an attribute of a module without importing it, which may take seconds that nobody needs.

    Args:
        module: its name; it need not be installed.
        attribute: that it has once it is imported.
        value: what stands there until the block ends.
    """
    replacement = _Replacement(module, attribute, value)
    if module in sys.modules:
        replacement.put(sys.modules[module])
    sys.meta_path.insert(0, replacement)
    try:
        yield
    finally:
        sys.meta_path.remove(replacement)
        replacement.restore()
