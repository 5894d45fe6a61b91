"""Items to layers: blocks, loops and branches written out."""
