"""The program: it reads the settings, builds the components, opens the adapters and closes them in order."""
