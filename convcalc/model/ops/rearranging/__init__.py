"""Elements moved, repeated, cut or padded; nothing learned."""
