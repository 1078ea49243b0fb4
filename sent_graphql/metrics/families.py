"""Prometheus' families of samples, made from what parts have counted. All names begin with the service's."""

from collections.abc import Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily

from sent_graphql.tallies import Tally

NAMESPACE: Final = "sent_graphql"


def gauge(name: str, meaning: str, value: float | None) -> GaugeMetricFamily:
    """A value that goes up and down; without a sample where it is not known."""
    family = GaugeMetricFamily(f"{NAMESPACE}_{name}", meaning)
    if value is not None:
        family.add_metric((), value)
    return family


def gauges(name: str, meaning: str, label: str, values: Mapping[str, float | None]) -> GaugeMetricFamily:
    """The same for each value of a label."""
    family = GaugeMetricFamily(f"{NAMESPACE}_{name}", meaning, labels=(label,))
    for key, value in values.items():
        if value is not None:
            family.add_metric((key,), value)
    return family


def counter(name: str, meaning: str, value: float) -> CounterMetricFamily:
    """A count since the start; its sample's name ends in `_total`."""
    return CounterMetricFamily(f"{NAMESPACE}_{name}", meaning, value=value)


def counters(name: str, meaning: str, label: str, values: Mapping[str, float]) -> CounterMetricFamily:
    """The same for each value of a label."""
    family = CounterMetricFamily(f"{NAMESPACE}_{name}", meaning, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


def durations(name: str, meaning: str, tally: Tally) -> SummaryMetricFamily:
    """How often something was done and the seconds that it took: `_count` and `_sum`."""
    return SummaryMetricFamily(f"{NAMESPACE}_{name}", meaning, count_value=tally.count, sum_value=tally.seconds)


def durations_by(name: str, meaning: str, label: str, tallies: Mapping[str, Tally]) -> SummaryMetricFamily:
    """The same for each value of a label."""
    family = SummaryMetricFamily(f"{NAMESPACE}_{name}", meaning, labels=(label,))
    for key, tally in tallies.items():
        family.add_metric((key,), tally.count, tally.seconds)
    return family
