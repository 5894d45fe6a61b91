"""Models that exist, in the formats of other programs, as networks of convcalc.

A *reader* (``formats/``) turns the bytes of a file into a foreign graph (``foreign.py``), whose
operators are those of the newest ONNX; the *mapper* (``mapper.py``) turns that into layers.
"""
