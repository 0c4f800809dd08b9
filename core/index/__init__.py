"""What is known: passages in Redis, and how they are found."""
