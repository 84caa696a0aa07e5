"""Install npm's `uxn.wasm` package into a folder, for bench/uxn_wasm.mjs to load.

    python bench/install_uxn_wasm.py DIRECTORY

Uses the `npm` on the PATH with whatever registry it is set up for. Does nothing if the package is
already there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PACKAGE = "uxn.wasm"


def install(directory: Path) -> None:
    """Put the package under DIRECTORY/node_modules.

    Raises FileNotFoundError if there is no npm, subprocess.CalledProcessError if npm fails.
    """
    if (directory / "node_modules" / PACKAGE / "package.json").exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm")
    directory.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(directory), "--no-save", "--no-audit", "--no-fund"]
    subprocess.run([*command, PACKAGE], check=True, stdout=subprocess.DEVNULL)


def main(arguments: list[str]) -> int:
    """Install into the folder named by the only argument."""
    if len(arguments) != 1:
        print("usage: install_uxn_wasm.py DIRECTORY", file=sys.stderr)
        return 2
    try:
        install(Path(arguments[0]))
    except FileNotFoundError:
        print("install_uxn_wasm.py: npm is not on the PATH; install node first", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"install_uxn_wasm.py: npm failed with status {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
