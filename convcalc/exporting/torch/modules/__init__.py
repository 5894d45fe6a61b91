"""Classes that are written into exported code, one to a module; nothing here is imported by convcalc."""
