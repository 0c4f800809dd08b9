"""The answer pipeline: admission, recording, conversation memory, and the RAG answerer."""
