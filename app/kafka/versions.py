"""The library releases that Parley's patches and overrides were tested with.

Patches use private names of a library, which any release may change without a word. So a process
that runs on another release refuses to start, and says which files to look at.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version

from app.errors import ParleyError

#: Library → the first release that was tested, and the first that was not.
_TESTED = {
    "aiokafka": ("0.14", "0.15"),
    "faust-streaming": ("0.15.3", "0.16"),
    "mode-streaming": ("0.7", "0.8"),
}


@cache
def require_tested(library: str, *files: str) -> None:
    """Raise `ParleyError` where the library's release is not one that was tested.

    `files` use private names of the library: they are to be read beside its new release.
    """
    installed, (first, beyond) = version(library), _TESTED[library]
    if not _numbers(first) <= _numbers(installed) < _numbers(beyond):
        raise ParleyError(
            f"{library} {installed} is installed; Parley was tested with {first} up to, without,"
            f" {beyond}. Check the private names that these files use: {', '.join(files)}"
        )


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", release)[:3])
