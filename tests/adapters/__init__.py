"""What people speak through: the web and the terminal."""
