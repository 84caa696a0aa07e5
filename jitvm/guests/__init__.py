"""The guest machines jitvm can run."""
