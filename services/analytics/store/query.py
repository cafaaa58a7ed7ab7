"""The SQL of questions: figures added up by period and group."""

from collections.abc import Callable

import asyncpg

from paykit.postgres.database import Tx
from paykit.postgres.table import where
from services.analytics.domain import periods
from services.analytics.domain import question as asked
from services.analytics.domain.figure import Measure
from services.analytics.domain.periods import Grain, Range
from services.analytics.domain.question import Dimension, Question, Selection, Top
from services.analytics.domain.summary import Sum
from services.analytics.store.figure import sum_of

SUMS_MAX = 200_000
"""Sums read for one answer: by measure and reason, and so many more than it has rows."""

# Groups are ranked by what they have over the whole range, each currency by itself.
_SUMS = """
WITH picked AS (
    SELECT {period} AS start_time, figure.currency_code, {groups}, measure, reason AS because,
        sum(count)::bigint AS count, sum(amount_minor) AS amount_minor, sum(duration_ms) AS duration_ms
    FROM figure {merchants}
    WHERE {condition}
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), ranked AS (
    SELECT currency_code, by_merchant, by_channel, by_method, by_reason, row_number() OVER (
        PARTITION BY currency_code
        ORDER BY coalesce(sum({ranking}) FILTER (WHERE measure = {measure}), 0) DESC,
            by_merchant, by_channel, by_method, by_reason) AS rank
    FROM picked GROUP BY currency_code, by_merchant, by_channel, by_method, by_reason
)
SELECT start_time, currency_code, by_merchant, by_channel, by_method, by_reason, measure, because, count,
    amount_minor::text, duration_ms::text
FROM picked JOIN ranked USING (currency_code, by_merchant, by_channel, by_method, by_reason)
WHERE rank <= {limit}
LIMIT {sums_max}
"""

_COUNT_MERCHANTS = "SELECT count(DISTINCT merchant_id) FROM figure WHERE quarter_time >= $1 AND quarter_time < $2"

_UNITS = {Grain.QUARTER_HOUR: "", Grain.HOUR: "hour", Grain.DAY: "day", Grain.MONTH: "month"}


async def sums(tx: Tx, question: Question, span: Range) -> list[Sum]:
    """Add up the figures that are asked for, by group, measure and reason, in no order.

    Raises:
        ResultTooLarge: There are more than SUMS_MAX of them.
        TimeZoneUnknown: PostgreSQL does not know the zone, as Python does.
    """
    condition, args = _condition(question.selection, span)
    bind = _binder(args)
    top = question.top or Top(measure=Measure.CAPTURED, by_count=False, limit=SUMS_MAX)
    sql = _SUMS.format(
        period=_period(question, span, bind),
        groups=", ".join(_group(dimension, question) for dimension in Dimension),
        merchants="LEFT JOIN merchant USING (merchant_id)" if question.zone is None else "",
        condition=condition,
        ranking="count" if top.by_count else "amount_minor",
        measure=bind(top.measure.value, "text"),
        limit=bind(top.limit, "bigint"),
        sums_max=bind(SUMS_MAX + 1, "bigint"),
    )
    try:
        rows = await tx.fetch(sql, *args)
    except asyncpg.InvalidParameterValueError as error:
        raise periods.TimeZoneUnknown(f"PostgreSQL: {error}", field="time_zone") from error
    if len(rows) > SUMS_MAX:
        raise asked.too_large()
    return list(map(sum_of, rows))


async def count_merchants(tx: Tx, span: Range) -> int:
    """Count the merchants with figures in a range."""
    count: int = (await tx.fetch(_COUNT_MERCHANTS, span.start_time, span.end_time))[0][0]
    return count


def _condition(selection: Selection, span: Range) -> tuple[str, list[object]]:
    return where(
        ("figure.quarter_time >= {}", span.start_time),
        ("figure.quarter_time < {}", span.end_time),
        ("figure.merchant_id = {}", selection.merchant_id),
        ("figure.currency_code = {}", selection.currency_code),
        ("figure.channel = {}", selection.channel),
        ("figure.method = {}", selection.method),
    )


def _binder(args: list[object]) -> Callable[[object, str], str]:
    """Return what adds an argument and names its parameter."""

    def bind(value: object, sql_type: str) -> str:
        args.append(value)
        return f"${len(args)}::{sql_type}"

    return bind


def _period(question: Question, span: Range, bind: Callable[[object, str], str]) -> str:
    """Return the expression of when a figure's period begins."""
    if question.grain is Grain.RANGE:
        return bind(span.start_time, "timestamptz")
    if question.grain is Grain.QUARTER_HOUR:
        return "figure.quarter_time"
    zone = "coalesce(merchant.time_zone, 'UTC')" if question.zone is None else bind(question.zone, "text")
    return f"date_trunc('{_UNITS[question.grain]}', figure.quarter_time, {zone})"


def _group(dimension: Dimension, question: Question) -> str:
    column = f"figure.{dimension}" if dimension in question.group_by else "''::text COLLATE \"C\""
    return f"{column} AS by_{dimension.removesuffix('_id')}"
