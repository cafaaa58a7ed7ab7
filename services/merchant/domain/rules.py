"""What a merchant's fields must obey; each check raises the refusal that names the field at fault."""

import re
import zoneinfo
from collections.abc import Sequence

from paykit import addresses, calendars, money
from paykit.errors import DomainError, FieldInvalid, Kind
from paystream.merchant.v1.events import RefundLimit, SettlementPolicy, SettlementSchedule, SettlementThreshold
from services.merchant.domain.fee_plan import FeePlanTerms

DISPLAY_NAME_CHARACTERS_MAX = 200
# The database of zones also holds files that are no zones of places: posix/, right/, localtime, posixrules.
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
_CUT_OFF_SCHEDULES = frozenset({SettlementSchedule.DAILY, SettlementSchedule.WEEKLY, SettlementSchedule.MONTHLY})


class TimeZoneUnknown(DomainError):
    """The name is not a time zone of the IANA database."""

    kind = Kind.INVALID_ARGUMENT
    reason = "TIME_ZONE_UNKNOWN"


class CalendarUnknown(DomainError):
    """No calendar of business days has this code."""

    kind = Kind.INVALID_ARGUMENT
    reason = "CALENDAR_UNKNOWN"


class CurrencyRepeated(DomainError):
    """A list that holds one entry for a currency holds two."""

    kind = Kind.INVALID_ARGUMENT
    reason = "CURRENCY_REPEATED"


class SettlementPolicyInvalid(DomainError):
    """The fields of a settlement policy contradict one another."""

    kind = Kind.INVALID_ARGUMENT
    reason = "SETTLEMENT_POLICY_INVALID"


def check_display_name(display_name: str, *, field: str = "display_name") -> None:
    """Accept 1 to 200 characters that show something.

    Raises:
        FieldInvalid: The name is blank or too long.
    """
    if not display_name.strip() or len(display_name) > DISPLAY_NAME_CHARACTERS_MAX:
        raise FieldInvalid(f"{field} must have 1 to 200 characters.", field=field)


def check_email(address: str, *, field: str = "contact_email") -> None:
    """Accept one address of the form that mail servers everywhere take.

    Raises:
        EmailInvalid: It is not such an address. The message does not repeat it.
    """
    addresses.require_email(address, field=field)


def check_locale(locale: str) -> None:
    """Accept a language of BCP 47 in its usual form, as in zh-Hans-CN.

    Raises:
        FieldInvalid: It is none.
    """
    addresses.require_locale(locale, field="locale")


def check_fees(terms: FeePlanTerms) -> None:
    """Accept rules of known currencies, one for each, and one word on the other currencies.

    Raises:
        CurrencyUnknown: A rule's currency is not in use.
        CurrencyRepeated: Two rules are for one currency.
        FieldInvalid: The other currencies are both free and not.
    """
    _check_currencies([fee.currency_code for fee in terms.fees], field="fee_plan.fees")
    if terms.free and terms.default_basis_points is not None:
        raise FieldInvalid("free and default_basis_points exclude each other.", field="fee_plan.free")


def check_refund_limits(limits: Sequence[RefundLimit]) -> None:
    """Accept limits of known currencies, one for each.

    Raises:
        CurrencyUnknown: A limit's currency is not in use.
        CurrencyRepeated: Two limits are for one currency.
    """
    _check_currencies([limit.currency_code for limit in limits], field="refund_terms.refund_limits")


def check_settlement_policy(policy: SettlementPolicy) -> None:
    """Accept a policy whose fields fit its schedule.

    Raises:
        SettlementPolicyInvalid: A field is missing that the schedule needs, or there where it has no meaning.
        TimeZoneUnknown: The zone is not in the IANA database.
        CalendarUnknown: No calendar has this code.
        CurrencyUnknown: A threshold's currency is not in use.
        CurrencyRepeated: Two thresholds are for one currency.
    """
    _check_schedule(policy)
    _check_calendar(policy)
    _check_zone(policy.time_zone)
    thresholds: Sequence[SettlementThreshold] = policy.thresholds
    _check_currencies([threshold.currency_code for threshold in thresholds], field="settlement_policy.thresholds")
    if (policy.reserve_basis_points == 0) != (policy.reserve_days == 0):
        raise _contradiction("reserve_days must be 0 exactly when reserve_basis_points is 0.", "reserve_days")


def _check_schedule(policy: SettlementPolicy) -> None:
    schedule = policy.schedule
    if (policy.cut_off_time is not None) != (schedule in _CUT_OFF_SCHEDULES):
        raise _contradiction("cut_off_time belongs to the schedules DAILY, WEEKLY and MONTHLY.", "cut_off_time")
    if (policy.cut_off_weekday is not None) != (schedule is SettlementSchedule.WEEKLY):
        raise _contradiction("cut_off_weekday belongs to the schedule WEEKLY.", "cut_off_weekday")
    if (policy.cut_off_month_day is not None) != (schedule is SettlementSchedule.MONTHLY):
        raise _contradiction("cut_off_month_day belongs to the schedule MONTHLY.", "cut_off_month_day")
    if schedule is SettlementSchedule.THRESHOLD and not policy.thresholds:
        raise _contradiction("the schedule THRESHOLD needs a threshold.", "thresholds")


def _check_calendar(policy: SettlementPolicy) -> None:
    if policy.calendar is None:
        return
    if not policy.business_days:
        raise _contradiction("calendar belongs to policies of business_days.", "calendar")
    if not calendars.is_known(policy.calendar):
        field = "settlement_policy.calendar"
        raise CalendarUnknown(f"No calendar of business days is known of {policy.calendar!r}.", field=field)


def _contradiction(message: str, field: str) -> SettlementPolicyInvalid:
    return SettlementPolicyInvalid(message, field=f"settlement_policy.{field}")


def _check_zone(name: str) -> None:
    """Zones are read as a table of names, from the machine or the tzdata package, and cached by zoneinfo."""
    try:
        exists = _ZONE.fullmatch(name) is not None and zoneinfo.ZoneInfo(name) is not None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder, such as Europe
        exists = False
    if not exists:
        raise TimeZoneUnknown(f"{name!r} is not an IANA time zone.", field="settlement_policy.time_zone")


def _check_currencies(codes: Sequence[str], *, field: str) -> None:
    for i, code in enumerate(codes):
        money.require_known_currency(code, field=f"{field}[{i}].currency_code")
        if code in codes[:i]:
            raise CurrencyRepeated(
                f"{code} stands there twice.", field=f"{field}[{i}].currency_code", currency_code=code
            )
