"""Loss curves of the training stages."""

from __future__ import annotations

from harness.report.charts.line_charts import Chart, loss_curve, rate_curve, throughput_curve
from harness.report.view.run_view import RunView


def training(view: RunView) -> list[tuple[str, list[Chart]]]:
    """(model, its curves of loss, learning rate and throughput) of the models with a training log."""
    out = []
    for name, steps in view.training.items():
        charts = [curve(name, steps) for curve in (loss_curve, rate_curve, throughput_curve)]
        drawn = [chart for chart in charts if chart is not None]
        if drawn:
            out.append((name, drawn))
    return out
