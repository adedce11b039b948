"""Planning: which pages are new, changed, moved or missing."""
