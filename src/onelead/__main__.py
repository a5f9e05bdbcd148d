"""`python -m onelead` is the command `onelead`."""

from __future__ import annotations

from onelead.commands.start import main

main()
