"""Reading, against a loopback blog and real folders."""
