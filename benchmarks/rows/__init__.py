"""The tables of ``speed.py``: one module each, with a function that measures and returns it."""
