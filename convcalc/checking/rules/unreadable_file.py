"""A file cannot be read.

Why: Nothing can be said about a file that vanished, may not be read, or is no file at all, such
as a broken link. It is no fault of the network's text, so that the exit code is 2 and not 1; the
other files are checked all the same.

Example:

    net.convcalc.yaml -> gone.yaml    # a link to nowhere

Fix: put the file there, or give the right to read it.

    net.convcalc.yaml                 # a file
"""
