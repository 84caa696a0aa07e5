"""Region IR: graphs, their text, their rules, what they mean, and the passes over them."""
