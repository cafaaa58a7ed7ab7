"""Where webhooks may go, and where they may not."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notification.domain.webhooks import addresses
from services.notification.domain.webhooks.addresses import AddressPolicy, WebhookAddressRefused

STRICT = AddressPolicy()
LOOSE = AddressPolicy(http_allowed=True, high_ports_allowed=True, loopback_allowed=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hooks?token=a%20b",
        "https://shop.example",
        "https://shop.example:443/",
        "https://SHOP.example/",
        "https://xn--bcher-kva.example/",
        "https://1.1.1.1/",
        "https://[2606:4700:4700::1111]/",
        "https://a-b.c1.example/",
    ],
)
def test_public_https_address_is_taken(url: str) -> None:
    addresses.check_url(url, STRICT)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://shop.example/", "SCHEME"),
        ("ftp://shop.example/", "SCHEME"),
        ("file:///etc/passwd", "SCHEME"),
        ("//shop.example/", "SCHEME"),
        ("shop.example", "SCHEME"),
        ("https://user:password@shop.example/", "USER"),
        ("https://shop.example@127.0.0.1/", "USER"),
        ("https://@shop.example/", "USER"),
        ("https://shop.example/#part", "FRAGMENT"),
        ("https://shop.example:80/", "PORT"),
        ("https://shop.example:22/", "PORT"),
        ("https://shop.example:8443/", "PORT"),
        ("https://shop.example:0/", "PORT"),
        ("https://shop.example:/", "PORT"),
        ("https://shop.example:99999/", "URL"),
        ("https://shop.example:x/", "URL"),
        ("https://shop.example\\@127.0.0.1/", "URL"),
        ("https://shop.example/a b", "URL"),
        ("https://shop.example/\r\nhost: x", "URL"),
        ("https://bücher.example/", "URL"),
        ("https://①②⑦.0.0.1/", "URL"),
        ("https://shop.example/" + "a" * 500, "URL"),
        ("https://[::1/", "URL"),
        ("https:///hooks", "HOST"),
        ("https://shop.example./", "HOST"),
        ("https://localhost/", "HOST"),
        ("https://localhost./", "HOST"),
        ("https://db/", "HOST"),
        ("https://a.localhost/", "HOST"),
        ("https://printer.local/", "HOST"),
        ("https://metadata.google.internal/", "HOST"),
        ("https://a_b.example/", "HOST"),
        ("https://-a.example/", "HOST"),
        ("https://a..example/", "HOST"),
        ("https://%6cocalhost/", "HOST"),
        ("https://127.0.0.1/", "ADDRESS"),
        ("https://127.1/", "ADDRESS"),
        ("https://2130706433/", "ADDRESS"),
        ("https://0x7f000001/", "ADDRESS"),
        ("https://0x7f.0.0.1/", "ADDRESS"),
        ("https://0177.0.0.1/", "ADDRESS"),
        ("https://0/", "ADDRESS"),
        ("https://0.0.0.0/", "ADDRESS"),
        ("https://017700000001/", "ADDRESS"),
        ("https://0x7F.0x0.0x0.0x1/", "ADDRESS"),
        ("https://127.0.0.1.nip.io:6379/", "PORT"),
        ("https://10.0.0.1/", "ADDRESS"),
        ("https://169.254.169.254/", "ADDRESS"),
        ("https://1.1.1.0x1/", "ADDRESS"),
        ("https://[::1]/", "ADDRESS"),
        ("https://[::]/", "ADDRESS"),
        ("https://[::ffff:127.0.0.1]/", "ADDRESS"),
        ("https://[::ffff:1.1.1.1]/", "ADDRESS"),
        ("https://[::ffff:7f00:1]/", "ADDRESS"),
        ("https://[::ffff:0:127.0.0.1]/", "ADDRESS"),
        ("https://[64:ff9b::7f00:1]/", "ADDRESS"),
        ("https://[64:ff9b::127.0.0.1]/", "ADDRESS"),
        ("https://[fe80::1%25eth0]/", "ADDRESS"),
        ("https://[fd00:ec2::254]/", "ADDRESS"),
        ("https://[2606:4700:4700::1111%25eth0]/", "ADDRESS"),
    ],
)
def test_other_address_is_refused_by_its_rule(url: str, rule: str) -> None:
    with pytest.raises(WebhookAddressRefused) as refused:
        addresses.check_url(url, STRICT)
    assert refused.value.metadata["rule"] == rule


@pytest.mark.parametrize(
    "url",
    [
        *("http://shop.example/", "https://shop.example:8443/", "http://127.0.0.1:8080/", "http://localhost:1024/"),
        "http://[::1]:8080/",
    ],
)
def test_development_may_go_to_this_machine(url: str) -> None:
    addresses.check_url(url, LOOSE)


@pytest.mark.parametrize("url", ["http://10.0.0.1:8080/", "http://[::ffff:127.0.0.1]:8080/", "http://127.0.0.1:81/"])
def test_development_may_go_nowhere_else(url: str) -> None:
    with pytest.raises(WebhookAddressRefused):
        addresses.check_url(url, LOOSE)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.255.255.255"),  # noqa: S104
        *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1"),
        *("198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1"),
        *("255.255.255.255", "100.100.100.200", "168.63.129.16"),
        *("::", "::1", "::127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1"),
        *(
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
        ),
        *("ff02::1", "fe80::1%eth0", "4000::1", "5f00::1", "not an address", "", "1.1.1.1 "),
    ],
)
def test_address_that_is_not_public_is_not_connected_to(address: str) -> None:
    assert not addresses.connectable(address, STRICT)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "223.255.255.255"),
        *("2606:4700:4700::1111", "2a00:1450:4001::1"),
    ],
)
def test_public_address_is_connected_to(address: str) -> None:
    assert addresses.connectable(address, STRICT)


@given(st.ip_addresses())
def test_only_what_the_library_calls_global_too_is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if addresses.is_public(ip):
        assert ip.is_global
        assert not ip.is_multicast


@given(st.ip_addresses(v=4))
def test_mapped_address_is_never_public(ip: ipaddress.IPv4Address) -> None:
    for prefix in ("::ffff:", "64:ff9b::", "::"):
        assert not addresses.connectable(f"{prefix}{ip}", LOOSE) or f"{prefix}{ip}" == "::0.0.0.1"
