"""Models that exist, in the formats of other programs, as networks of convcalc.

A *reader* (``formats/``) turns the bytes of a file into a :class:`~convcalc.importing.foreign.Graph`
whose operators are those of the newest ONNX; the *mapper* (``mapping/``) turns that into layers.
"""
