"""Balloons, captions and hand lettering."""
