"""Every task has its page, which names its protocols' metrics and options, and whose YAML is valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.core import registry
from harness.schema.suite.evaluation_options import EvaluationOptions

PAGES = Path(__file__).parents[2] / "docs" / "tasks"
TASKS = registry.names("tasks")
SHARED = set(EvaluationOptions.model_fields) | {
    *("data", "prompt", "target", "target_is", "chat", "max_tokens", "stop", "likelihood")
}
SHARED |= {"generation_kwargs", "samples", "messages", "system", "tools", "template_variables", "default_template"}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_a_page_with_its_options_and_metrics(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text("utf-8")
    task = registry.load("tasks", name)
    for option in set(task.Options.model_fields) - SHARED:
        assert re.search(rf"\b{option}\b", page), option
    for metric in task.default_metrics:
        assert f"`{metric}`" in page, metric
    assert f"[{name}]({name}.md)" in (PAGES / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", sorted(PAGES.glob("[a-z]*.md")), ids=lambda page: page.stem)
def test_the_yaml_of_a_page_is_what_the_task_takes(page: Path) -> None:
    from ruamel.yaml import YAML

    block = re.search(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert block is not None
    for task in YAML(typ="safe").load(block.group(1))["tasks"].values():
        ((kind, options),) = task.items()
        registry.load("tasks", kind).Options.model_validate(options)
