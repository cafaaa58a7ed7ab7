"""Figures of a run and what is expected of them. Pure."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Figures = Mapping[str, float]
"""A median, or one round's value, by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What one figure, or the ratio of two, has to reach.

    Attributes:
        text: As people read it.
        key: The figure.
        relative_to: The figure it is divided by; None where it stands for itself.
        bound: In the figure's unit, or as a ratio.
        better: On which side of the bound the figure has to be; equal to the bound is met.
    """

    text: str
    key: str
    bound: float
    relative_to: str | None = None
    better: Literal["higher", "lower"] = "higher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of an aim."""

    aim: Aim
    value: float
    met: bool


AIMS = (
    Aim(text="pipeline, 1.5 of the raw limit", key="pipeline_spread", relative_to="raw_posting", bound=1.5),
    Aim(text="one hot merchant, 0.8 of many", key="pipeline_hot", relative_to="pipeline_spread", bound=0.8),
    Aim(
        text="5,000,000 payments booked before, 0.7 of none",
        key="pipeline_booked",
        relative_to="pipeline_spread",
        bound=0.7,
    ),
    Aim(text="analytics, 2.0 of the pipeline", key="counting", relative_to="pipeline_spread", bound=2.0),
    Aim(text="CreatePayment, 0.6 of the echo, 64 in flight", key="create_payment_64", relative_to="echo_64", bound=0.6),
    Aim(text="batches of 1,000 above 10,000 payments/s", key="batch_1000", bound=10_000),
    Aim(text="end to end, p99 under 500 ms", key="end_to_end_p99_ms", bound=500, better="lower"),
    Aim(text="settling a million transactions under 30 s", key="settling", bound=1_000_000 / 30),
    Aim(text="settling, under 300 MB", key="settling_mib", bound=286, better="lower"),
    Aim(text="reconciling a million lines under 60 s", key="reconciling", bound=1_000_000 / 60),
    Aim(text="reconciling, under 300 MB", key="reconciling_mib", bound=286, better="lower"),
    Aim(text="a payment, 700 B on disk", key="payment_disk_b", bound=700, better="lower"),
    Aim(text="in the ledger, 350 B on disk", key="accounting_disk_b", bound=350, better="lower"),
    Aim(text="in the ledger, 800 B of WAL", key="accounting_wal_b", bound=800, better="lower"),
)


def medians(rounds: Sequence[Figures]) -> dict[str, float]:
    """Return the median of each key over the rounds that measured it, in order of first appearance."""
    keys = list(dict.fromkeys(key for figures in rounds for key in figures))
    return {key: statistics.median([figures[key] for figures in rounds if key in figures]) for key in keys}


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of all values do not exceed.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(math.ceil(len(values) * percent / 100), 1) - 1]


def ratio(figures: Figures, key: str, relative_to: str) -> float | None:
    """Divide one figure by another; None where one of them was not measured."""
    if key not in figures or not figures.get(relative_to):
        return None
    return figures[key] / figures[relative_to]


def judge(figures: Figures) -> list[Verdict]:
    """Hold the figures against the aims; an aim whose figures were not measured is left out."""
    verdicts = []
    for aim in AIMS:
        value = ratio(figures, aim.key, aim.relative_to) if aim.relative_to else figures.get(aim.key)
        if value is not None:
            met = value >= aim.bound if aim.better == "higher" else value <= aim.bound
            verdicts.append(Verdict(aim=aim, value=value, met=met))
    return verdicts
