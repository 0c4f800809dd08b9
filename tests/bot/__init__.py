"""The program: settings, wiring, commands."""
