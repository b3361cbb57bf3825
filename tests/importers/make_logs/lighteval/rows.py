"""Twelve sums, one JSON line each."""

import json
import sys

for n in range(12):
    choices = [str(2 * n + 1), "0", str(2 * n + 2)]
    place = n % 3
    order = choices[-place:] + choices[:-place] if place else choices
    question = f"How much is {n} plus {n + 1}?"
    row = {"question": question, "answer": choices[0], "choices": order, "gold": order.index(choices[0])}
    sys.stdout.write(json.dumps(row) + "\n")
