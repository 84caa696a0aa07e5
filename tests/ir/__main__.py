"""`python -m tests.ir --bless`: take what the passes give now as what is expected."""

from __future__ import annotations

import argparse

from tests.ir.golden import files, read


def main() -> None:
    """Bless all golden files, or show which differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bless", action="store_true", required=True)
    parser.parse_args()
    for path in files("passes"):
        if read(path).bless():
            print(f"blessed {path.name}")


if __name__ == "__main__":
    main()
