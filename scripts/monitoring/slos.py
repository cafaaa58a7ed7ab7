"""Service level objectives, and the Prometheus rules that follow from each: how much is late, and how fast that burns.

Source: The Site Reliability Workbook, chapter 5, "Alerting on SLOs", table 5-8 (multiwindow, multi-burn-rate alerts).
"""

from collections.abc import Iterator
from dataclasses import dataclass

DAYS = 30
"""Over which an objective is kept: its budget is what may be late in these days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """A share of what a histogram counts that takes no longer than a bound.

    Attributes:
        name: In names of recorded series.
        alert: Name of its alerts, and of its page in docs/runbooks.
        histogram: Without suffix.
        bound: One of its buckets, as Prometheus writes it, in seconds.
        per_mille: How many of a thousand may be late.
        by: Labels by which it is kept apart.
        what: For people, after "of".
    """

    name: str
    alert: str
    histogram: str
    bound: str
    per_mille: int
    by: tuple[str, ...] = ()
    what: str

    def recorded(self, window: str) -> str:
        """Return the name of the recorded share that was late within a window."""
        return f"paystream:{self.name}_late:ratio_rate{window}"


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast a budget burns where it is told of: in both windows, so that an alert clears soon after its cause.

    Attributes:
        rate: Times as fast as would use the budget up in DAYS.
        window: Long enough to matter.
        short_window: Short enough to clear.
        wait: For how long both must hold.
    """

    rate: float
    window: str
    short_window: str
    wait: str
    severity: str


SLOS = (
    Slo(
        name="accepted_to_booked",
        alert="AcceptedToBookedLate",
        histogram="paystream_accepted_to_booked_seconds",
        bound="5.0",
        per_mille=1,
        what="what was accepted was booked later than 5 s",
    ),
    Slo(
        name="booked_to_settled",
        alert="BookedToSettledLate",
        histogram="paystream_closed_to_settled_seconds",
        bound="60.0",
        per_mille=10,
        what="settlements was settled later than 60 s after they were closed",
    ),
    Slo(
        name="event_age",
        alert="EventsAppliedLate",
        histogram="paystream_event_age_seconds",
        bound="10.0",
        per_mille=1,
        by=("service",),
        what="events was applied by {{ $labels.service }} later than 10 s",
    ),
)

BURNS = (
    Burn(14.4, "1h", "5m", "2m", "critical"),
    Burn(6.0, "6h", "30m", "15m", "critical"),
    Burn(1.0, "3d", "6h", "1h", "warning"),
)

WINDOWS = tuple(dict.fromkeys(window for burn in BURNS for window in (burn.short_window, burn.window)))

_HEAD = """\
# Generated from scripts/monitoring/slos.py by `make gen`: what share of each objective is late, and alerts on how fast
# its budget burns. docs/monitoring.md says what the objectives are.
groups:"""


def rules() -> str:
    """Return the file of rules."""
    return "\n".join([_HEAD, *(line for slo in SLOS for line in _group(slo))]) + "\n"


def _group(slo: Slo) -> Iterator[str]:
    yield f"  - name: paystream_slo_{slo.name}"
    yield "    rules:"
    for window in WINDOWS:
        yield f"      - record: {slo.recorded(window)}"
        yield "        expr: |-"
        yield from (f"          {line}" for line in _late(slo, window))
    for burn in BURNS:
        yield from _alert(slo, burn)


def _late(slo: Slo, window: str) -> tuple[str, str]:
    total = f"sum by ({', '.join(slo.by)}) " if slo.by else "sum"
    in_time = f'{total}(rate({slo.histogram}_bucket{{le="{slo.bound}"}}[{window}]))'
    return f"1 - {in_time}", f"  / {total}(rate({slo.histogram}_count[{window}]))"


def _alert(slo: Slo, burn: Burn) -> Iterator[str]:
    late_max = f"{burn.rate * slo.per_mille / 1_000:.6g}"
    yield f"      - alert: {slo.alert}"
    yield "        expr: |-"
    yield f"          {slo.recorded(burn.window)} > {late_max}"
    yield f"            and {slo.recorded(burn.short_window)} > {late_max}"
    yield f"        for: {burn.wait}"
    yield f"        labels: {{severity: {burn.severity}, window: {burn.window}}}"
    yield "        annotations:"
    yield f'          summary: "{{{{ $value | humanizePercentage }}}} of {slo.what}."'
    yield "          description: >-"
    yield f"            Within {burn.window}. This uses up what may be late in {DAYS} days, {slo.per_mille} of 1,000,"
    yield f"            {burn.rate:g} times as fast as that."
    yield f"          runbook_url: docs/runbooks/{slo.alert}.md"
