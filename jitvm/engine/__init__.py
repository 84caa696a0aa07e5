"""Running described guests: native code, its memory, and the machine that ties tiers together."""
