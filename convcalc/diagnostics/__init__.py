"""Problems as data: rule, place, message, help."""
