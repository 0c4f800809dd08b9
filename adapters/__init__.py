"""The platforms that people speak through: each turns what comes in into a question, and events into what is shown."""
