"""A build as its readers see it: generations published while it runs, and its progress."""
