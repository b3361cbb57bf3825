#!/usr/bin/env bash
# Exactness, memory and speed on a GPU, in at most eight minutes; writes gpu.json.
#
#     bash benchmarks/gpu.sh [OUT.json]        # in an environment with paired-harness[models] and a CUDA build of torch
#
# A Llama of random weights answers multiple choice, rolling likelihoods and greedy generation. Reference: the same
# questions in float32 on the CPU. Ratio: against plain transformers on the same GPU, in the same type, 16 rows a batch.
set -euo pipefail
out=${1:-gpu.json}
here=$(cd "$(dirname "$0")" && pwd)
python - <<'PY' || { echo "torch sees no GPU here: nothing is measured" >&2; exit 12; }
import sys
import torch
sys.exit(0 if torch.cuda.is_available() else 1)
PY
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
HARNESS_CACHE_DIR="$work/cache" HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false \
    timeout 480 python "$here/gpu_side.py" "$work" "$out"
cat "$out"
