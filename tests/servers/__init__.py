"""Loopback stand-ins for the services that Footnoted talks to."""
