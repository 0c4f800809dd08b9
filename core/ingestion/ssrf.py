"""Protection against SSRF: links and redirects may lead to public addresses only. The check is made on the address that
a connection is opened to, so that a DNS answer that changes in between (DNS rebinding) does not help."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import AddrInfoType, SocketFactoryType

_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890; one cloud's metadata service is there
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    IPv6Network("2001::/23"),  # Teredo, ORCHID and other protocol assignments
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
)
"""Networks that `ipaddress` calls global before Python 3.13, or that serve no blog."""

IsPublic = Callable[[str], bool]


class NonPublicAddressError(OSError):
    """A connection to an address that is not public was refused."""

    def __init__(self) -> None:
        super().__init__("not a public address")


def is_public(address: str) -> bool:
    """Return whether an IP address is publicly routable. IPv4 within IPv6 is judged as IPv4 where networks may write it
    so (mapped, and NAT64 with its well-known prefix); other embeddings are tunnels, and not public."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or (IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else None)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _UNICAST:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NOT_PUBLIC)


def public_only(public: IsPublic) -> SocketFactoryType:
    """Make a socket factory for a connector that raises NonPublicAddressError for other addresses."""

    def make(address_info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = address_info
        if family not in {socket.AF_INET, socket.AF_INET6} or not public(str(address[0])):
            raise NonPublicAddressError
        return socket.socket(family, kind, protocol)

    return make
