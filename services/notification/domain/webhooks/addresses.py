"""Where webhooks may go: which URLs are taken, and which network addresses are connected to. Pure.

The name in a URL proves nothing: it is resolved for each try, every address it has must be a public one, and the
connection goes to such an address itself. Source: RFC 6890 and the IANA registries of special-purpose addresses.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from paykit.errors import DomainError, Kind

URL_CHARS_MAX = 500
HOST_CHARS_MAX = 253
HTTPS_PORT = 443
HTTP_PORT = 80
PORT_HIGH_MIN = 1024
PORT_MAX = 65_535

_PLAIN = re.compile(r"[!-~]+")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# What begins like a number is read as an IPv4 address by some resolvers: 127.1, 0x7f000001, 2130706433.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_INTERNAL_NAMES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "arpa",
    "onion",
    "test",
    "invalid",
)

_NOT_PUBLIC_V4 = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
            *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            "168.63.129.16/32",  # A cloud's host, as its guests see it.
        ),
    )
)
_PUBLIC_V6 = ip_network("2000::/3")
# Teredo, ORCHID, documentation, 6to4, SRv6: what leads to an IPv4 address inside, or nowhere.
_NOT_PUBLIC_V6 = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48")))

IpAddress = IPv4Address | IPv6Address


class WebhookAddressRefused(DomainError):
    """Webhooks are not sent to this address; metadata says which rule it breaks."""

    kind = Kind.INVALID_ARGUMENT
    reason = "WEBHOOK_ADDRESS_REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPolicy:
    """What a platform allows beyond https on port 443 to public addresses.

    Attributes:
        http_allowed: Without TLS, port 80.
        high_ports_allowed: Any port from 1024 on.
        loopback_allowed: 127.0.0.0/8 and ::1, and the name localhost: for development and tests alone.
    """

    http_allowed: bool = False
    high_ports_allowed: bool = False
    loopback_allowed: bool = False


def check_url(url: str, policy: AddressPolicy) -> SplitResult:
    """Check what can be seen of a URL without resolving its name, and return its parts.

    Raises:
        WebhookAddressRefused: Rule URL, SCHEME, USER, FRAGMENT, PORT, HOST or ADDRESS.
    """
    if not _PLAIN.fullmatch(url) or len(url) > URL_CHARS_MAX or "\\" in url:
        raise _refused("URL", "The address must be a URL of at most 500 plain ASCII characters.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise _refused("URL", "The address is no URL.") from error
    _check_scheme(parts, policy)
    _check_port(_port(parts, port), parts.scheme, policy)
    _check_host(host, parts.netloc, policy)
    return parts


def connectable(address: str, policy: AddressPolicy) -> bool:
    """Return whether webhooks may be sent to a network address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return is_public(ip) or (policy.loopback_allowed and ip.is_loopback and _unmapped(ip) == ip)


def is_public(ip: IpAddress) -> bool:
    """Return whether an address is one of the public internet, and leads to no other address inside it."""
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC_V4)
    return ip.scope_id is None and ip in _PUBLIC_V6 and not any(ip in network for network in _NOT_PUBLIC_V6)


def _check_scheme(parts: SplitResult, policy: AddressPolicy) -> None:
    if parts.scheme != "https" and not (parts.scheme == "http" and policy.http_allowed):
        raise _refused("SCHEME", "The address must begin with https://.")
    if "@" in parts.netloc:
        raise _refused("USER", "The address must not hold a user or password.")
    if parts.fragment:
        raise _refused("FRAGMENT", "The address must not have a fragment.")


def _port(parts: SplitResult, port: int | None) -> int:
    if port is not None or parts.netloc.endswith(":"):
        return port or 0
    return HTTPS_PORT if parts.scheme == "https" else HTTP_PORT


def _check_port(port: int, scheme: str, policy: AddressPolicy) -> None:
    usual = port == (HTTPS_PORT if scheme == "https" else HTTP_PORT)
    if not usual and not (policy.high_ports_allowed and PORT_HIGH_MIN <= port <= PORT_MAX):
        raise _refused("PORT", "The port is not one that webhooks are sent to.")


def _check_host(host: str, netloc: str, policy: AddressPolicy) -> None:
    if netloc.startswith("["):
        _check_literal(host, policy)
        return
    labels = host.split(".")
    plain = len(host) <= HOST_CHARS_MAX and all(_LABEL.fullmatch(label) for label in labels)
    if not plain:
        raise _refused("HOST", "The host must be a plain name: letters, digits and hyphens, others as xn--.")
    if _NUMBER.fullmatch(labels[-1]):
        _check_literal(host, policy)
        return
    internal = labels[-1] in _INTERNAL_NAMES or len(labels) == 1
    if internal and not (policy.loopback_allowed and labels[-1] == "localhost"):
        raise _refused("HOST", "The host must be a public name.")


def _check_literal(host: str, policy: AddressPolicy) -> None:
    """Check a network address in the place of a name: only its usual notation, and only a public one."""
    if not connectable(host, policy):
        raise _refused("ADDRESS", "The host is not a public address in its usual notation.")


def _unmapped(ip: IpAddress) -> IpAddress:
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return ip if mapped is None else mapped


def _refused(rule: str, message: str) -> WebhookAddressRefused:
    return WebhookAddressRefused(message, field="url", rule=rule)
