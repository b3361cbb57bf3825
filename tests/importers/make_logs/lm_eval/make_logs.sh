#!/bin/sh
# Logs of lm-evaluation-harness by its own dummy model: make_logs.sh FOLDER, where lm_eval is installed.
set -e
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/rows"
cd "$1"
python "$here/../lighteval/rows.py" > rows/test.jsonl
export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_HOME="$1/cache"
for pair in base:1 tuned:2; do
  python -m lm_eval --model dummy --tasks sums_chosen --include_path "$here" --seed "${pair#*:}" --log_samples \
    --output_path "${pair%:*}"
done
