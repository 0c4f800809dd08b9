"""The framework that every chat platform shares."""
