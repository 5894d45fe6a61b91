"""What each foreign operator becomes: a rule for each, by family."""
