"""The engine: runs described guests, in native code if it can."""

# Modules that have moved into rooms are found under their old names as well: see `jitvm.moved`.
__path__.append(__file__.removesuffix("__init__.py") + "../moved")
