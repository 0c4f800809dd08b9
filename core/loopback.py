"""Loopback addresses."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address, or `localhost`."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
