"""The reader of Keras models: ``.keras`` files and what ``model.to_json()`` writes."""
