import pytest

from paykit.serve import auth


def test_a_caller_is_believed() -> None:
    assert auth.declared_caller({"paystream-caller": "shop-7@eu/west:1"}) == "shop-7@eu/west:1"


@pytest.mark.parametrize("name", [None, "", "two words", "x" * 129, "4111111111111111", "a\nb", b"bytes"])
def test_a_name_that_is_not_fit_to_be_kept_is_anonymous(name: str | bytes | None) -> None:
    metadata = {} if name is None else {"paystream-caller": name}
    assert auth.declared_caller(metadata) == "anonymous"
