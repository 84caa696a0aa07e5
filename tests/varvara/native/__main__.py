"""`python -m tests.varvara.native`: make the kernels' text anew, after a change of their source."""

from __future__ import annotations

from tests.varvara.native.texts import SOURCES, made_anew

if __name__ == "__main__":
    for source, text in zip(SOURCES, made_anew(), strict=True):
        if not source.path.exists() or source.path.read_text() != text:
            source.path.write_text(text)
            print(f"wrote {source.path.name}")
