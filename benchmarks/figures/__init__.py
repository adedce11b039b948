"""Figures of speed with their targets; the program that measures all of them is `all.py`."""
