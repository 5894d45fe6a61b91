"""Problems and broken budgets in the formats of CI systems."""
