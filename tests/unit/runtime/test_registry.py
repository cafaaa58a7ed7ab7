"""How the registry client reads answers; a transport in memory gives them."""

import httpx
import pytest

from paykit.events import registry
from paykit.events.registry import RegistryClient, RegistryUnavailableError, SchemaNotFoundError, SchemaRefusedError


class Answers(httpx.AsyncBaseTransport):
    """Gives answers in turn, the last one again and again; an exception is raised."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(answers: Answers) -> RegistryClient:
    return RegistryClient("http://registry.test/apis/ccompat/v7/", transport=answers)


async def test_the_path_of_the_registry_is_kept_and_a_subject_is_escaped() -> None:
    answers = Answers(httpx.Response(200, json=[2, 1]))
    assert await client(answers).versions("t/1.payment.events-a.B") == [1, 2]
    assert str(answers.requests[0].url) == (
        "http://registry.test/apis/ccompat/v7/subjects/t%2F1.payment.events-a.B/versions"
    )


RESET = AttributeError("'NoneType' object has no attribute 'getpeername'")
"""What httpx raises for a connection that was reset between its making and the first look at it."""


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(503),
        RESET,
        OSError("not connected"),
    ],
)
async def test_a_passing_trouble_is_tried_again(trouble: httpx.Response | Exception) -> None:
    answers = Answers(trouble, httpx.Response(200, json={"schema": "{}"}))
    assert await client(answers).schema(7) == "{}"
    assert len(answers.requests) == 2


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("refused"),
        httpx.Response(500, text="oops"),
        httpx.Response(200, text="<html>"),
        httpx.Response(401),
    ],
)
async def test_a_lasting_trouble_is_unavailability_after_a_bounded_number_of_tries(
    trouble: httpx.Response | Exception,
) -> None:
    answers = Answers(trouble)
    with pytest.raises(RegistryUnavailableError, match=r"registry\.test") as caught:
        await client(answers).schema(7)
    assert len(answers.requests) == registry.TRIES_MAX
    assert caught.value.part == "registry"


async def test_an_answer_that_nothing_is_there_is_final() -> None:
    answers = Answers(httpx.Response(404, json={"error_code": 40403, "message": "Schema 7 not found"}))
    with pytest.raises(SchemaNotFoundError, match="Schema 7 not found"):
        await client(answers).schema(7)
    assert len(answers.requests) == 1


@pytest.mark.parametrize("status", [409, 422])
async def test_a_refused_schema_carries_the_registrys_reason(status: int) -> None:
    answers = Answers(httpx.Response(status, json={"error_code": 409, "message": "incompatible: fee_minor"}))
    with pytest.raises(SchemaRefusedError, match="incompatible: fee_minor"):
        await client(answers).register("s", "{}")
    assert len(answers.requests) == 1


async def test_incompatibilities_are_the_registrys_messages() -> None:
    answers = Answers(httpx.Response(200, json={"is_compatible": False, "messages": ["fee_minor changed"]}))
    assert await client(answers).incompatibilities("s", "{}") == ["fee_minor changed"]
    assert await client(Answers(httpx.Response(200, json={"is_compatible": True}))).incompatibilities("s", "{}") == []
    assert await client(Answers(httpx.Response(404, json={}))).incompatibilities("s", "{}") == []
