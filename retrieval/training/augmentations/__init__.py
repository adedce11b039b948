"""Alterations of a panel that keep what it shows."""
