"""What items are ordered by, where several evaluations share it."""

from __future__ import annotations

import math

from harness.core.evaluation import ItemMeasure

MARGIN_OF_CORRECT = ItemMeasure("margin", "margin of the right answer over the best wrong one", better="higher")
MARGIN = ItemMeasure("margin", "margin")
SCORE_SHIFT = ItemMeasure("shift_abs", "mean change of the score when people are swapped", better="lower")
BITS_PER_BYTE = ItemMeasure("nll", "bits per byte", "bits/byte", "lower", per=("bytes",), divisor=math.log(2))
ANSWER_F1 = ItemMeasure("squad_f1", "F1 of the answer", better="higher")
REPEATED = ItemMeasure("repeated", "repeated word sequences", better="lower")
CONSTRAINTS_MET = ItemMeasure("met", "constraints met", better="higher")
