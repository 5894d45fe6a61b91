"""Classes that are written into exported code, one to a module, as text."""
