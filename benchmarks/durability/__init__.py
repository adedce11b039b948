"""Parts of `kills.py`, `crash_states.py` and `disk_errors.py`: small libraries, and what an index of them must be."""
