"""Parts of mutated_files.py: small books of every format, their mutations, and how each is read."""
