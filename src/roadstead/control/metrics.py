"""`/-/metrics`: the metrics of all workers in Prometheus' format."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from roadstead import __version__
from roadstead.api.answers import Answer, text_answer
from roadstead.api.needs import OPERATOR
from roadstead.api.operation import Call
from roadstead.control.map import METRICS as OPERATIONS
from roadstead.domain.telemetry.metrics import BOUNDS
from roadstead.domain.telemetry.samples import FAMILIES, Family, Sample, add_up, shared_samples
from roadstead.domain.telemetry.worker_samples import WorkerSamples

if TYPE_CHECKING:
    from prometheus_client import Metric


@OPERATIONS.get(needs=OPERATOR, gives={200: str})
async def expose(call: Call) -> Answer:
    """Return this host's counts and state, for Prometheus."""
    workers: WorkerSamples = call.state["samples"]
    samples = await shared_samples(call.host, __version__) + workers.all()
    return text_answer(*await asyncio.to_thread(_exposition, samples))


def _exposition(samples: Iterable[Sample]) -> tuple[bytes, str]:
    """Return the text format and its content type."""
    # Imported late: a host should answer soon, and many hosts are never scraped.
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

    return generate_latest(_Collected(samples)), CONTENT_TYPE_PLAIN_0_0_4


class _Collected:
    """Samples in the form that Prometheus' library collects."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples: defaultdict[str, list[Sample]] = defaultdict(list)
        for sample in add_up(samples):
            self._samples[sample.family].append(sample)

    def collect(self) -> Iterator["Metric"]:
        for name, samples in self._samples.items():
            yield _metric(FAMILIES[name], samples)


def _metric(family: Family, samples: Iterable[Sample]) -> "Metric":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    if family.kind == "histogram":
        histogram = HistogramMetricFamily(family.name, family.about, labels=family.labels)
        for _, labels, figures in samples:
            *counts, seconds = figures
            bounds = [*map(str, BOUNDS), "+Inf"]
            histogram.add_metric(labels, list(zip(bounds, accumulate(counts), strict=True)), seconds)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.about, labels=family.labels)
    for _, labels, (figure,) in samples:
        metric.add_metric(labels, figure)
    return metric
