"""Logs of lighteval 0.11 and later by a model of its own: `python make_new.py FOLDER` where lighteval is installed."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TASKS = "sums:written|0,sums:chosen|0,sums:several|0,sums:passed|0"


def ask(name: str, folder: str) -> None:
    from lighteval.main_custom import custom
    from lighteval.tasks.registry import Registry

    # Listing lighteval's own tasks asks the hub for files and models of some of them.
    Registry._load_from_files = staticmethod(lambda files, package: {})
    Registry._load_from_subdirs = staticmethod(lambda folders: {})
    tasks = str(HERE / "tasks.py")
    custom(f"adder-{name}", str(HERE / "model.py"), TASKS, custom_tasks=tasks, output_dir=folder, save_details=True)


if len(sys.argv) > 2:
    ask(sys.argv[2], f"{sys.argv[1]}/{sys.argv[2]}")
else:
    rows = Path(sys.argv[1], "rows")
    rows.mkdir(parents=True)
    content = subprocess.run([sys.executable, HERE / "rows.py"], capture_output=True, check=True).stdout
    (rows / "test.jsonl").write_bytes(content)
    for name, wrong in (("base", "2"), ("tuned", "5")):
        settings = {"ROWS": str(rows), "WRONG": wrong, "HF_HUB_OFFLINE": "1", "HF_HOME": f"{sys.argv[1]}/cache-{name}"}
        subprocess.run([sys.executable, __file__, sys.argv[1], name], env={**os.environ, **settings}, check=True)
