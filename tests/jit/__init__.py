"""The JIT: the same programs as at the other tiers, with proof that native code really ran."""
