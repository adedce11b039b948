"""The tab `build` of the web app."""
