"""Decoding of pages in worker processes."""
