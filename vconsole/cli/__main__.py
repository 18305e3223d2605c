"""`python -m vconsole.cli`: the same as the script, from an interpreter that is known."""

from vconsole.cli import main

if __name__ == "__main__":
    main()
