#!/bin/sh
# Logs of NeMo Evaluator 0.2 with a benchmark of its own: make_logs.sh FOLDER, where nemo-evaluator is installed.
set -e
here=$(cd "$(dirname "$0")" && pwd)
export ROWS="$1/rows.jsonl" NEMO_EVALUATOR_TELEMETRY_ENABLED=false
mkdir -p "$1"
for n in 0 1 2 3 4 5 6 7 8 9 10 11; do echo "{\"n\": $n, \"m\": $((n + 1)), \"answer\": \"$((2 * n + 1))\"}"; done > "$ROWS"
python "$here/server.py" 8731 & server=$!
trap 'kill $server' EXIT
nemo-evaluator-byob "$here/sums.py" --install-dir "$1/packages"
# 0.2.6 to 0.2.8 end with an error: they write everything, and look for byob_results.json one folder too high.
for pair in base:2 tuned:5; do
  nemo-evaluator run_eval --eval_type byob_sums.sums --model_url http://127.0.0.1:8731/v1 --model_id "$pair" \
    --model_type chat --output_dir "$1/${pair%:*}" --overrides "config.params.extra.n_repeats=2" || true
done
