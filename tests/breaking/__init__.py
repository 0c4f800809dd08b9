"""Everything that can break, breaks: the program as it is run, and what people see of it."""
