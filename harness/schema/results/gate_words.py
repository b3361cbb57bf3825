"""A gate's sentence and margin as the tables show them: levels in %, differences in points.

results.json keeps them as the suite writes fractions; every output shows what these functions make of them.
"""

from __future__ import annotations

import re

_FRACTION = re.compile(
    r"(by more than |by at most |improvement |change |± ?|(?<=[\s(]))"
    r"([+−-]?)([01]\.\d+(?:e-?\d+)?|0(?=[\s,;)])|1(?= →| with \d|, each)|(?<=→ )1|(?<=value )1|(?<=[+−-])1(?=[\s,;)]))"
    r"(?=[\s,;:).]|\Z)(?!\s*×)"
)
_BY_PART = " Improvement by part: "
_PART = re.compile(r"(?<=\s)([+−-]?)([01](?:\.\d+)?(?:e-?\d+)?)(?=[,.](?:\s|\Z)|\Z)")
"""What stands behind the heading is a difference, also where it is zero and has no sign."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def sentence_in_points(sentence: str) -> str:
    """The sentence of a gate on a fraction."""
    whole, heading, parts = sentence.partition(_BY_PART)
    differences = _PART.sub(lambda match: f"{match[1]}{float(match[2]) * 100:.3g} points", parts)
    return f"{_FRACTION.sub(_in_points, whole)}{heading}{differences}"


def _in_points(match: re.Match[str]) -> str:
    before, sign, number = match.groups()
    value = f"{float(number) * 100:.3g}"
    difference = bool(sign) or before in ("by more than ", "by at most ", "improvement ", "change ", "± ", "±")
    return f"{before or ''}{sign or ''}{value}{' points' if difference else '%'}"


def margin_in_points(margin: str, *, level: bool) -> str:
    """The margin of a gate on a fraction; of a level (`≥ 0.4`) or of a difference (`> 0.02`)."""
    if not margin or "%" in margin or "point" in margin:
        return margin
    shown = _NUMBER.sub(lambda match: f"{float(match.group()) * 100:g}{'%' if level else ''}", margin)
    return shown + ("" if level else " points")
