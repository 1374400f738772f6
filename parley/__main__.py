"""`python -m parley`, and the command `parley`."""

from __future__ import annotations

from app.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
