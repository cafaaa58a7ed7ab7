"""Headers of records as they are kept while they are in hand."""

from paykit.kafka.cloud_events import Compactor, Header, RecordHeaders, contents_of, is_of_type, traces_of

HEADERS: list[Header] = [("ce_id", b"evt_1"), ("ce_type", b"paystream.a.A"), ("traceparent", None)]


def test_compact_headers_are_those_that_came_in_their_order() -> None:
    compactor = Compactor()
    twice: list[Header] = [("h", b"1"), ("h", b"2"), ("", b"")]
    assert list(compactor.compact(HEADERS)) == HEADERS
    assert list(compactor.compact(twice)) == twice
    assert list(compactor.compact(HEADERS)) == HEADERS
    assert list(compactor.compact([])) == []


def test_compact_headers_are_a_sequence_of_pairs() -> None:
    headers = Compactor().compact(HEADERS)
    assert len(headers) == 3
    assert headers[0] == ("ce_id", b"evt_1")
    assert headers[-1] == ("traceparent", None)
    assert headers[1:] == HEADERS[1:]
    assert repr(headers) == repr(HEADERS)


def test_headers_of_the_same_names_share_them() -> None:
    compactor = Compactor()
    first = compactor.compact([("ce_id", b"evt_1"), ("ce_type", b"a")])
    second = compactor.compact([("ce_id", b"evt_2"), ("ce_type", b"b")])
    assert first.kind is second.kind
    assert (first.contents, second.contents) == ((b"evt_1", b"a"), (b"evt_2", b"b"))


def test_what_a_record_says_that_it_is_counts_each_time_and_wherever_it_stands() -> None:
    cases: list[tuple[list[Header], bool]] = [
        ([], True),
        ([("other", b"b")], True),
        ([("ce_type", b"a")], True),
        ([("other", b"b"), ("ce_type", b"a")], True),
        ([("ce_type", b"b")], False),
        ([("ce_type", None)], False),
        ([("ce_type", b"a"), ("ce_type", b"b")], False),
        ([("ce_type", b"b"), ("ce_type", b"a")], False),
    ]
    compactor = Compactor()
    for headers, expected in cases:
        compact = compactor.compact(headers)
        assert isinstance(compact, RecordHeaders)
        assert (is_of_type(headers, b"a"), is_of_type(compact, b"a")) == (expected, expected), headers


def test_all_that_headers_of_a_name_say_is_found() -> None:
    headers: list[Header] = [("h", None), ("x", b"0"), ("h", b"1")]
    assert contents_of(headers, "h") == contents_of(Compactor().compact(headers), "h") == [None, b"1"]


def test_trace_contexts_are_found_wherever_they_stand() -> None:
    cases: list[tuple[list[Header], list[bytes | None]]] = [
        ([], []),
        ([("ce_id", b"1")], []),
        ([("traceparent", b"t")], [b"t"]),
        ([("ce_id", b"1"), ("traceparent", None)], [None]),
        ([("traceparent", b""), ("ce_id", b"1"), ("traceparent", b"t")], [b"", b"t"]),
        ([("Traceparent", b"t"), ("traceparents", b"t")], []),
    ]
    compactor = Compactor()
    for headers, expected in cases:
        assert (traces_of(headers), traces_of(compactor.compact(headers))) == (expected, expected), headers
