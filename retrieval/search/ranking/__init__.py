"""Ranking steps of a search, one module each."""
