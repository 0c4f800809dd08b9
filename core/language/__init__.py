"""Language: which one a text is in, its words as they are indexed, its stop words and its sentences."""
