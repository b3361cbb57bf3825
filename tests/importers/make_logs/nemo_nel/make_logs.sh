#!/bin/sh
# Logs of NeMo Evaluator 0.3 and later: make_logs.sh FOLDER, where `nel` is installed.
set -e
here=$(cd "$(dirname "$0")" && pwd)
python "$here/../nemo_byob/server.py" 8732 & server=$!
trap 'kill $server' EXIT
sleep 1
for pair in base:2 tuned:5; do
  python -m nemo_evaluator.cli.main eval run --bench "$here/sums.py" --model-url http://127.0.0.1:8732/v1 \
    --model-id "$pair" --api-key none --repeats 2 -o "$1/${pair%:*}"
done
