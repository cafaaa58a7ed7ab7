"""Addresses and languages that somebody is written to."""

import pytest

from paykit.addresses import EmailInvalid, require_email, require_locale
from paykit.contacts.contact import PayerContact, ReceiptContact, begin, erase
from paykit.errors import FieldInvalid
from paykit.testing.runtimes import START


@pytest.mark.parametrize("address", ["a@b.example", "zelda.o'hara+x@mail.example-bank.co.uk", "l" * 64 + "@b.example"])
def test_a_plain_address_is_taken(address: str) -> None:
    require_email(address, field="contact.receipt_email")


@pytest.mark.parametrize(
    "address",
    [
        *("", "a", "@b.example", "a@b", "a@-b.example", "a b@c.example", "<a@b.example>", "a@b.example,c@d.example"),
        *("a@b.example\r\nBcc: c@d.example", "a@b.example\n", "l" * 65 + "@b.example", "ü@b.example", "a@b..example"),
    ],
)
def test_what_is_no_plain_address_is_refused_by_its_field_and_not_repeated(address: str) -> None:
    with pytest.raises(EmailInvalid) as refused:
        require_email(address, field="contact.receipt_email")
    assert refused.value.field == "contact.receipt_email"
    assert len(address) < 4 or address not in refused.value.message


@pytest.mark.parametrize("locale", ["en", "de-AT", "zh-Hans", "zh-Hant-HK", "es-419", "fil"])
def test_a_language_in_its_usual_form_is_taken(locale: str) -> None:
    require_locale(locale, field="locale")


@pytest.mark.parametrize("locale", ["", "e", "EN", "de_AT", "de-at", "zh-hans", "english", "de-AT\n", "x-klingon"])
def test_what_is_no_language_is_refused(locale: str) -> None:
    with pytest.raises(FieldInvalid):
        require_locale(locale, field="locale")


def test_what_is_printed_of_a_contact_has_no_address_and_erasing_takes_it_for_good() -> None:
    given = ReceiptContact(receipt_email="zelda@example.com", locale="de")
    contact = begin("pay_1", given, now=START)
    erased = erase(contact, reason="asked", eraser="desk", now=START)

    assert "zelda" not in repr((given, contact, [contact], {"contact": given}))
    assert erased == PayerContact(
        subject_id="pay_1",
        receipt_email=None,
        locale="de",
        create_time=START,
        erase_time=START,
        erase_reason="asked",
        eraser="desk",
    )
    assert erase(erased, reason="again", eraser="other", now=START) == erased
