"""Drawing of pages: layout, scenery, figures, balloons and hand lettering, all in vectors."""
