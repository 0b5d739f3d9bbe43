"""`python -m voicediag`, and the console script."""

from voicediag.cli import main

if __name__ == "__main__":
    main()
