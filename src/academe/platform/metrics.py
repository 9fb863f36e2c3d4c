"""What is measured, for Prometheus: one set of names for every process.

Labels come from closed sets (route templates, tables, kinds of job), never from what a caller sends.
"""

import os
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

MULTIPROCESS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable of prometheus-client: the folder over which several server processes share their
counts.
"""

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_REQUEST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_QUERY_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)

REQUEST_SECONDS: Final = Histogram(
    "academe_http_request_seconds",
    "Time from the first byte of a request to the last of its answer.",
    ("method", "route", "status"),
    buckets=_REQUEST_SECONDS,
)
REQUESTS_IN_PROGRESS: Final = Gauge(
    "academe_http_requests_in_progress", "Requests being answered.", multiprocess_mode="livesum"
)
REQUESTS_REPEATED: Final = Counter(
    "academe_http_requests_repeated_total",
    "Requests run again after a transient error of the database.",
    ("route",),
)
REQUESTS_REFUSED: Final = Counter(
    "academe_http_requests_refused_total",
    "Requests refused before they reached a route, by reason.",
    ("reason",),
)
QUERY_SECONDS: Final = Histogram(
    "academe_database_query_seconds",
    "Time of SQL statements as the process sees it.",
    ("operation", "table"),
    buckets=_QUERY_SECONDS,
)
SLOW_QUERIES: Final = Counter(
    "academe_database_slow_queries_total",
    "Statements slower than the setting allows.",
    ("operation", "table"),
)
CONNECTIONS_OPEN: Final = Gauge(
    "academe_database_connections_open",
    "Database connections of the pool.",
    ("pool",),
    multiprocess_mode="livesum",
)
CONNECTIONS_IN_USE: Final = Gauge(
    "academe_database_connections_in_use",
    "Database connections that a request or job holds.",
    ("pool",),
    multiprocess_mode="livesum",
)


class JobCounts(Collector):
    """The jobs of the queue, counted when the metrics are read."""

    def __init__(self, counts: dict[tuple[str, str], int]) -> None:
        self._counts = counts

    def collect(self) -> list[GaugeMetricFamily]:
        """One gauge with kind and status."""
        family = GaugeMetricFamily("academe_jobs", "Background jobs.", labels=("kind", "status"))
        for (kind, status), count in self._counts.items():
            family.add_metric((kind, status), count)
        return [family]


def exposition(*extra: Collector) -> bytes:
    """Everything measured in Prometheus' text format, over all server processes when there are several."""
    measured: CollectorRegistry = REGISTRY
    if os.environ.get(MULTIPROCESS_FOLDER):
        measured = CollectorRegistry()
        MultiProcessCollector(measured)  # type: ignore[no-untyped-call]
    counted = CollectorRegistry()
    for collector in extra:
        counted.register(collector)
    return generate_latest(measured) + generate_latest(counted)
