import importlib
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from harness.data.sources.attribute_guard import replaced


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "guarded_module.py").write_text("def load():\n    return 'own'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "guarded_module", raising=False)
    return "guarded_module"


def test_a_module_is_changed_when_it_is_imported(module: str) -> None:
    finders = list(sys.meta_path)
    with replaced(module, "load", lambda: "other"):
        assert module not in sys.modules
        with replaced(module, "load", lambda: "inner"):
            loaded = importlib.import_module(module)
            assert loaded.load() == "inner"
        assert loaded.load() == "other"
    assert loaded.load() == "own"
    assert sys.meta_path == finders
    assert loaded.__spec__ is not None
    assert loaded.__spec__.loader is loaded.__loader__
    assert isinstance(loaded.__loader__, SourceFileLoader)
    with replaced(module, "load", lambda: "again"):
        assert loaded.load() == "again"
    assert loaded.load() == "own"
    sys.modules.pop(module)


def test_a_module_that_nobody_imports_is_not_imported(module: str) -> None:
    with replaced(module, "load", None), replaced("guarded_module_that_is_not_there", "load", None):
        pass
    assert module not in sys.modules
