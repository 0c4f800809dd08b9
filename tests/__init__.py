"""The house lit from inside: a real Redis, loopback servers for what is outside, tables and properties for the rest."""
