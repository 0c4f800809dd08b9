"""The program: it reads the settings, builds the pieces, opens the adapters and closes them in order."""
