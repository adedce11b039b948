"""Turns a story into pages: layout, scenery, figures, balloons and hand lettering, all in vectors."""
