import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from paykit.base.errors import DependencyUnavailable
from paykit.errors import DomainError, FieldInvalid, Kind
from paykit.serve import status
from paykit.serve.validation.validator import FieldViolation, RequestInvalid
from services.notification.domain.webhooks.endpoint import WebhookEndpointsExceeded

INFO, BAD, RETRY = error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo
HELP = error_details_pb2.Help


class InsufficientFunds(DomainError):
    kind = Kind.FAILED_PRECONDITION
    reason = "INSUFFICIENT_FUNDS"


def _details(described: status_pb2.Status) -> dict[str, object]:
    found: dict[str, object] = {}
    for packed in described.details:
        for detail in (INFO(), BAD(), RETRY(), HELP()):
            if packed.Unpack(detail):
                found[type(detail).__name__] = detail
    assert len(found) == len(described.details)
    return found


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_the_grpc_code_of_its_name(kind: Kind) -> None:
    assert status.CODES[kind] is grpc.StatusCode[kind.name]


def test_a_refusal_has_one_error_info_and_nothing_that_does_not_apply() -> None:
    described = status.to_status(InsufficientFunds("12 left", available_minor="12"))
    assert (described.code, described.message) == (9, "12 left")
    assert _details(described) == {
        "ErrorInfo": INFO(reason="INSUFFICIENT_FUNDS", domain="paystream", metadata={"available_minor": "12"})
    }


def test_a_field_at_fault_is_named() -> None:
    described = status.to_status(FieldInvalid("must be above 0", field="amount.amount_minor"))
    assert described.code == 3
    assert _details(described)["BadRequest"] == BAD(
        field_violations=[
            BAD.FieldViolation(field="amount.amount_minor", description="must be above 0", reason="FIELD_INVALID")
        ]
    )


def test_every_broken_rule_is_named() -> None:
    broken = RequestInvalid(
        (
            FieldViolation(field="a", rule="int64.gt", description="must be above 0"),
            FieldViolation(field="b[1].c", rule="string.uuid", description="must be a UUID"),
        )
    )
    described = status.to_status(broken)
    assert described.message == "a: must be above 0"
    assert _details(described) == {
        "ErrorInfo": INFO(reason="FIELD_INVALID", domain="paystream", metadata={"rule": "int64.gt"}),
        "BadRequest": BAD(
            field_violations=[
                BAD.FieldViolation(field="a", description="[int64.gt] must be above 0", reason="FIELD_INVALID"),
                BAD.FieldViolation(field="b[1].c", description="[string.uuid] must be a UUID", reason="FIELD_INVALID"),
            ]
        ),
    }


def test_an_outage_says_when_to_try_again() -> None:
    described = status.to_status(DependencyUnavailable("postgresql is away", part="postgresql"))
    assert described.code == 14
    assert _details(described)["RetryInfo"] == RETRY(retry_delay=Duration(seconds=1))


def test_a_refusal_that_people_must_end_says_nothing_of_trying_again() -> None:
    assert "RetryInfo" not in _details(status.to_status(WebhookEndpointsExceeded("ten")))


def test_a_link_leads_to_the_reason_where_the_operator_said_where_it_is_read() -> None:
    described = status.to_status(InsufficientFunds("12 left"), help_url="https://docs.example.com/errors.html")
    link = HELP.Link(
        description="What INSUFFICIENT_FUNDS means", url="https://docs.example.com/errors.html#INSUFFICIENT_FUNDS"
    )
    assert _details(described)["Help"] == HELP(links=[link])


def test_a_long_message_is_cut_to_fit_a_trailer() -> None:
    described = status.to_status(InsufficientFunds("x" * 10_000, note="y" * 10_000))
    assert described.message == "x" * 509 + "..."
    assert described.ByteSize() < 2_000


def test_the_worst_request_still_fits_a_trailer() -> None:
    violation = FieldViolation(field="f" * 5_000, rule="r", description="d" * 5_000)
    described = status.to_status(RequestInvalid((violation,) * 8))
    assert described.ByteSize() * 4 / 3 < 8 * 1024


def test_an_internal_error_shows_its_id_alone() -> None:
    described = status.internal_status("err_1")
    assert (described.code, described.message) == (13, "internal error err_1")
    assert _details(described) == {
        "ErrorInfo": INFO(reason="INTERNAL", domain="paystream", metadata={"error_id": "err_1"})
    }


def test_what_the_caller_sent_is_repeated_without_nul() -> None:
    described = status.to_status(FieldInvalid("\0 is no key", field='metadata["\0"]'))
    assert described.message == "\ufffd is no key"
    [violation] = _details(described)["BadRequest"].field_violations  # type: ignore[attr-defined]
    assert (violation.field, violation.description) == ('metadata["\ufffd"]', "\ufffd is no key")
