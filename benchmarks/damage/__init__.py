"""Parts of damaged_index.py: the ways to damage a file."""
