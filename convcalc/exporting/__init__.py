"""Networks written for others: as network files, as code, in other programs' formats."""
