"""One use case a file; reactions are `on_<event>.py`."""
