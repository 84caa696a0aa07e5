"""Region IR: graphs, their text, their invariants, what they mean, and the passes over them."""
