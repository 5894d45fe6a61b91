"""The output of each command: tables, lines of text, pictures, JSON payloads."""
