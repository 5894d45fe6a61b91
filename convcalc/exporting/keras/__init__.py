"""A network file as Keras code: blocks are functions of tensors, in the functional API."""
