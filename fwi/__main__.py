"""`python -m fwi` is the command line."""

from fwi.cli import main

main()
