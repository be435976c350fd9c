"""`python -m cli`: run the `rushes` command."""

from cli.app import main

if __name__ == "__main__":
    main()
