"""Comparison of the speed of two checkouts; the program is `compare_checkouts.py`."""
