"""A network as an ONNX file without weights: layers as nodes, operators by family.

Each family of operators is a module of rules. A rule gets a :class:`~.part.Writing` and values,
and adds nodes of ONNX's own operators (opset 21); composites are written by their parts.
"""
