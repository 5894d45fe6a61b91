"""What a tree changes in what it is held to: each change that weakens it is a finding.

``own`` is what the tree says, ``held`` what the policy says. Compared is what is meant, not how it
is written; what became stricter is no finding.
"""
