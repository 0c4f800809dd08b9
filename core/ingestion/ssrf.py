"""Which addresses a stranger's link may lead to. It is looked at when a connection is made, so that the address that is
looked at is the one that is connected to, whatever a name means a moment later."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import AddrInfoType, SocketFactoryType

_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = (
    IPv4Network("192.0.0.0/24"),  # protocols' own, RFC 6890; some cloud has its metadata there
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, RFC 7526
    IPv6Network("2001::/23"),  # Teredo, ORCHID and other protocols' own
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("3fff::/20"),  # documentation, RFC 9637
)
"""What `ipaddress` calls global before Python 3.13, or what no blog is served from."""

IsPublic = Callable[[str], bool]


class NonPublicAddressError(OSError):
    """A link led into a network that is not open to everybody."""

    def __init__(self) -> None:
        super().__init__("not a public address")


def is_public(address: str) -> bool:
    """Whether an IP address is one that everybody can reach. IPv4 within IPv6 is judged as IPv4, where a network may
    write it so (mapped, and NAT64 by its well-known prefix); what else embeds IPv4 is a tunnel, and is not public."""
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
    """Makes the sockets of a connector that connects to public addresses alone. Raises NonPublicAddressError for
    others."""

    def make(place: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = place
        if family not in {socket.AF_INET, socket.AF_INET6} or not public(str(address[0])):
            raise NonPublicAddressError
        return socket.socket(family, kind, protocol)

    return make
