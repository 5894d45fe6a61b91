"""Networks to what other programs read: source code and model files.

A writer of code reads a file of the language as it was parsed, so that blocks stay blocks, and a
trace of its expansion (:mod:`convcalc.exporting.trace`), which says what each item was in every
call: what no expression tells, such as the channels behind a flatten, is a number of the trace.
"""
