"""The dialog of one panel, over every tab of the web app."""
