"""What all chat platforms ask of the house."""
