"""The tab `map` of the web app."""
