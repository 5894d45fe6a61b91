"""Networks to numbers: reports, receptive fields, conventions, comparisons, explanations."""
