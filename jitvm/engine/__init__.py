"""Running described guests: native code, its memory, and the machine that ties tiers together."""

# Modules that have moved into rooms are found under their old names as well: see `jitvm.moved`.
__path__.append(__file__.removesuffix("__init__.py") + "../moved")
