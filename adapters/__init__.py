"""The adapters: each turns what its platform delivers into questions, and answer events into messages."""
