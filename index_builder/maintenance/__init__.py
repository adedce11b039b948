"""Repair, removal of sources, and page boxes to edit."""
