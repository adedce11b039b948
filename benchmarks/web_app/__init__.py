"""Measurements of the web app over a large synthetic library; `page_speed.py` and `map_frames.py` run them."""
