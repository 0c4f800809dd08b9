"""The image, compose.yml and the wheel, tested without a container engine."""
