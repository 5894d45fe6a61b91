"""Finds where a tree weakens its own requirements: each change that weakens it is a finding.

``own`` is what the tree says, ``held`` what the policy says. Compared is what is meant, not how it
is written; what became stricter is not a finding.
"""
