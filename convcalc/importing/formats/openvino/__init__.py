"""The reader of OpenVINO's intermediate representation: the ``.xml`` file of a model."""
