"""The layers of each foreign operator: a rule for each, by family."""
