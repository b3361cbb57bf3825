#!/usr/bin/env bash
# Exactness, memory and speed on a GPU, in at most eight minutes; writes gpu.json.
#
#     bash benchmarks/gpu.sh [OUT.json]         # in an environment with paired-harness[models] and a CUDA build of torch
#     bash benchmarks/gpu.sh --dry [OUT.json]   # without a GPU: tries the script itself, a tiny model on the CPU
#
# A Llama of random weights answers multiple choice, rolling likelihoods and greedy generation. Reference: the same
# questions in float32 on the CPU. Ratio: against plain transformers on the same GPU, in the same type, 16 rows a batch.
set -euo pipefail
dry=
if [ "${1:-}" = --dry ]; then
    dry=cpu
    shift
fi
out=${1:-gpu.json}
here=$(cd "$(dirname "$0")" && pwd)
python -c 'import torch, harness' || { echo "this environment lacks torch or harness: install paired-harness[models]" >&2; exit 12; }
if ! python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "no GPU was found: torch $(python -c 'import torch; print(torch.__version__)') sees none here" >&2
    [ -n "$dry" ] || { echo "nothing is measured; --dry tries the script itself on the CPU" >&2; exit 12; }
    echo "dry run on the CPU: no figure of it says anything of a GPU" >&2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
HARNESS_CACHE_DIR="$work/cache" HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false \
    timeout 480 python "$here/gpu_side.py" "$work" "$out" ${dry:+"$dry"}
cat "$out"
