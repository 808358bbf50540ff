"""``python -m vlnn`` is the command ``vlnn``."""

from vlnn.cli import main

main()
