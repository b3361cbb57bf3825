"""The margin of a gate as the tables show it: levels in %, differences in points. results.json keeps fractions."""

from __future__ import annotations

import re

from harness.schema.results.number_format import points

_NUMBER = re.compile(r"(± ?)?(\d+(?:\.\d+)?(?:e[+-]?\d+)?)")


def margin_in_points(margin: str, *, level: bool) -> str:
    """The margin of a gate on a fraction; of a level (`≥ 0.4`, `0.5 ± 0.05`) or of a difference (`> 0.02`)."""
    if "%" in margin or "point" in margin:
        return margin

    def shown(match: re.Match[str]) -> str:
        around, number = match[1] or "", f"{float(match[2]) * 100:g}"
        return f"{around}{number}{'%' if level and not around else points(number)}"

    return _NUMBER.sub(shown, margin)
