"""What is shipped: the image, compose.yml, the wheel. There is no container engine in these tests."""
