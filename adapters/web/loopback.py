"""Loopback addresses; the settings import this without the web server."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Return True for a loopback address; False for any name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
