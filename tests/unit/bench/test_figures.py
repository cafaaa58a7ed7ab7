import pytest

from bench import figures


def test_the_median_of_three_rounds_is_the_middle_value_whatever_their_order() -> None:
    rounds = [{"echo_64": 2_500.0}, {"echo_64": 100.0}, {"echo_64": 2_400.0}]
    assert figures.medians(rounds) == {"echo_64": 2_400.0}


def test_the_median_of_an_even_number_of_rounds_lies_between_the_middle_values() -> None:
    rounds = [{"batch_100": 10.0}, {"batch_100": 40.0}, {"batch_100": 20.0}, {"batch_100": 30.0}]
    assert figures.medians(rounds) == {"batch_100": 25.0}


def test_a_row_missing_from_a_round_has_the_median_of_the_others() -> None:
    rounds = [{"raw_posting": 1.0}, {"raw_posting": 3.0, "echo_64": 7.0}]
    assert figures.medians(rounds) == {"raw_posting": 2.0, "echo_64": 7.0}


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(50, 100.0), (99, 198.0), (99.5, 199.0), (100, 200.0), (0, 1.0)],
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(percent: float, expected: float) -> None:
    values = [float(value) for value in range(200, 0, -1)]
    assert figures.percentile(values, percent) == expected


def test_the_percentiles_of_one_value_are_that_value() -> None:
    assert [figures.percentile([3.0], percent) for percent in (1, 50, 99)] == [3.0, 3.0, 3.0]


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        figures.percentile([], 50)


def test_a_ratio_divides_the_first_by_the_second() -> None:
    assert figures.ratio({"pipeline_spread": 15_000.0, "raw_posting": 40_000.0}, "pipeline_spread", "raw_posting") == (
        0.375
    )


@pytest.mark.parametrize(
    "measured", [{"pipeline_spread": 1.0}, {"raw_posting": 1.0}, {"pipeline_spread": 1.0, "raw_posting": 0.0}]
)
def test_there_is_no_ratio_to_what_was_not_measured(measured: dict[str, float]) -> None:
    assert figures.ratio(measured, "pipeline_spread", "raw_posting") is None


MET = {
    "raw_posting": 16_000.0,
    "pipeline_spread": 24_000.0,
    "pipeline_hot": 19_200.0,
    "echo_64": 2_500.0,
    "create_payment_64": 1_500.0,
    "batch_1000": 10_000.0,
    "end_to_end_p99_ms": 500.0,
}


def test_an_aim_is_met_by_what_lies_exactly_on_its_bound() -> None:
    verdicts = figures.judge(MET)
    assert [verdict.value for verdict in verdicts] == [1.5, 0.8, 0.6, 10_000.0, 500.0]
    assert all(verdict.met for verdict in verdicts)


@pytest.mark.parametrize(
    ("key", "value", "missed"),
    [
        ("pipeline_spread", 23_999.0, "pipeline_spread"),
        ("pipeline_hot", 19_199.0, "pipeline_hot"),
        ("create_payment_64", 1_499.0, "create_payment_64"),
        ("batch_1000", 9_999.0, "batch_1000"),
        ("end_to_end_p99_ms", 501.0, "end_to_end_p99_ms"),
    ],
)
def test_an_aim_is_missed_by_what_lies_just_beyond_its_bound(key: str, value: float, missed: str) -> None:
    assert [verdict.aim.key for verdict in figures.judge(MET | {key: value}) if not verdict.met] == [missed]


def test_an_aim_whose_figures_were_not_measured_is_left_out() -> None:
    assert [verdict.aim.key for verdict in figures.judge({"raw_posting": 1.0, "batch_1000": 1.0})] == ["batch_1000"]
