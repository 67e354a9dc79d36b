"""`python -m roadstead` is the command line."""

from roadstead.cli import main

if __name__ == "__main__":
    main()
