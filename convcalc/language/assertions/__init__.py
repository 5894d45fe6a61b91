"""What a file demands of a network's numbers: metrics, bounds, budgets. Nothing is measured."""
