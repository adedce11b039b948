"""The tab `collections` of the web app, and the stars with which panels are kept."""
