"""The metrics of the code, and those that an expression of PromQL names, each with its labels."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import REGISTRY

from paykit.base import metrics
from paykit.base.metrics import AgeHistogram
from paykit.process import host
from paykit.process.catalogue import load_service, service_names

SCRAPED = {"up": ("job", "instance")}
"""Series of Prometheus itself."""
TARGET_LABELS = frozenset({"job", "instance"})
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}

_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*S")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?(\s*\()?")
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "S", "inf", "nan"})


@dataclass(frozen=True, slots=True)
class Selector:
    """A series that an expression names, and the labels that it must have there."""

    name: str
    labels: frozenset[str]


def of_the_code() -> dict[str, frozenset[str]]:
    """Give every series that the processes can show, with its labels."""
    # What the host and the services import is what a process can show.
    assert host.Host is not None
    assert metrics.CALLS is not None
    for name in service_names():
        load_service(name)
    found: dict[str, frozenset[str]] = {}
    for collector in list(REGISTRY._collector_to_names):
        for family in collector.describe() if hasattr(collector, "describe") else ():
            names = collector.label_names if isinstance(collector, AgeHistogram) else ()
            labels = frozenset(names or getattr(collector, "_labelnames", ()))
            for suffix in _SUFFIXES.get(family.type, ("",)):
                found[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else frozenset())
    # What the Python client itself measures has no fixed description.
    return found | {name: frozenset() for name in ("process_cpu_seconds_total", "process_resident_memory_bytes")}


def known() -> dict[str, frozenset[str]]:
    """Give also those of Prometheus itself."""
    return of_the_code() | {name: frozenset(labels) for name, labels in SCRAPED.items()}


def selectors(expression: str) -> Iterator[Selector]:
    """Yield the series that an expression names, with the labels of their matchers."""
    text = _STRING.sub("S", expression)
    text = _GROUPING.sub(" ", text)
    text = re.sub(r"\[[^\]]*\]", " ", text)
    for name, matchers, called in _SELECTOR.findall(text):
        if not called and name not in _WORDS and not name.isdigit():
            yield Selector(name, frozenset(_MATCHER.findall(matchers)))


def grouped_by(expression: str) -> frozenset[str]:
    """Give the labels by which an expression groups or joins."""
    lists = [labels for _, labels in _GROUPING.findall(_STRING.sub("S", expression))]
    return frozenset(label.strip() for labels in lists for label in labels.split(",") if label.strip())
