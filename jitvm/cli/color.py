"""Help in colour, for terminals. Imported only when help is shown on one."""

from __future__ import annotations

from rich_argparse import RawDescriptionRichHelpFormatter


class ColorHelpFormatter(RawDescriptionRichHelpFormatter):
    """Square brackets in help texts are text, not markup."""

    text_markup = False
    help_markup = False
