"""Parameters of a query, each declared once: how it is read, and how it is described."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from multidict import MultiMapping

from web.http.problem import Problem

_DIGITS: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_MOST: Final = 10**18 - 1


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A parameter by its name; `about` says what it does."""

    name: str
    about: str

    def schema(self) -> dict[str, Any]:
        """The values that it takes, as JSON Schema."""
        return {"type": "string"}

    @property
    def required(self) -> bool:
        """Whether a request without it is refused."""
        return False


@dataclass(frozen=True, slots=True)
class WholeNumber(QueryParameter):
    """A whole number from `low` to `high`, which may be left out."""

    low: int = 0
    high: int = _MOST

    def of(self, query: MultiMapping[str]) -> int | None:
        """The number; None where it is not given. Raises `Problem` 400 `parameter`."""
        given = query.getall(self.name, [])
        if not given:
            return None
        if len(given) == 1 and _DIGITS.fullmatch(given[0]):
            number = int(given[0])
            if self.low <= number <= self.high:
                return number
        takes = f"from {self.low} to {self.high}" if self.high < _MOST else f"of {self.low} or more"
        detail = f"{self.name} takes one whole number {takes}"
        raise Problem("parameter", detail, parameter=self.name)

    def schema(self) -> dict[str, Any]:
        """Bounds; a number without an upper one is limited by its digits alone."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class NumberOrDefault(WholeNumber):
    """A whole number from `low` to `high`, or `default`."""

    default: int = 0

    def of(self, query: MultiMapping[str]) -> int:
        """The number. Raises `Problem` 400 `parameter`."""
        found = WholeNumber.of(self, query)
        return self.default if found is None else found

    def schema(self) -> dict[str, Any]:
        """Bounds and default."""
        return WholeNumber.schema(self) | {"default": self.default}


def page_size(default: int, most: int) -> NumberOrDefault:
    """The parameter `limit` of a paged list."""
    return NumberOrDefault("limit", "The most entries of the answer.", 1, most, default)


@dataclass(frozen=True, slots=True)
class Word(QueryParameter):
    """A text, empty where it is not given; of more than one the first counts."""

    #: The texts that are taken, where these are few; the first where none is given.
    choices: tuple[str, ...] = ()

    def of(self, query: MultiMapping[str]) -> str:
        """The text. Raises `Problem` 400 `parameter`."""
        given = query.get(self.name, "")
        if not self.choices:
            return given
        chosen = given or self.choices[0]
        if chosen not in self.choices:
            detail = f"{self.name} is one of {', '.join(self.choices)}"
            raise Problem("parameter", detail, parameter=self.name)
        return chosen

    def schema(self) -> dict[str, Any]:
        """A text, or one of few."""
        if not self.choices:
            return {"type": "string"}
        # An empty text is as none: forms send what was left empty.
        return {"type": "string", "enum": ["", *self.choices], "default": self.choices[0]}


@dataclass(frozen=True, slots=True)
class Phrase(QueryParameter):
    """A text with something to see in it, of up to `most` characters, which has to be given."""

    most: int = 200

    def of(self, query: MultiMapping[str]) -> str:
        """The text. Raises `Problem` 400 `parameter`."""
        given = query.get(self.name, "")
        if not given.strip() or len(given) > self.most:
            detail = f"{self.name} is what to look for, up to {self.most} characters"
            raise Problem("parameter", detail, parameter=self.name)
        return given

    def schema(self) -> dict[str, Any]:
        """A text that is not blank."""
        return {"type": "string", "minLength": 1, "maxLength": self.most, "pattern": r"\S"}

    @property
    def required(self) -> bool:
        """It has to be given."""
        return True


@dataclass(frozen=True, slots=True)
class Words(QueryParameter):
    """A text that is given once or more often, up to `most` times."""

    most: int = 100

    def of(self, query: MultiMapping[str]) -> list[str]:
        """The texts, each once. Raises `Problem` 400 `parameter`."""
        given = query.getall(self.name, [])
        if not 1 <= len(given) <= self.most:
            detail = f"{self.name} is given 1 to {self.most} times"
            raise Problem("parameter", detail, parameter=self.name)
        return list(dict.fromkeys(given))

    def schema(self) -> dict[str, Any]:
        """A list, which a query repeats the name for."""
        return {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": self.most,
        }

    @property
    def required(self) -> bool:
        """It has to be given."""
        return True


@dataclass(frozen=True, slots=True)
class PagePosition(QueryParameter):
    """A position in a paged list, as an earlier answer gave it; `pattern` has its parts."""

    pattern: re.Pattern[str] = re.compile("(.*)")

    def of(self, query: MultiMapping[str]) -> tuple[str, ...] | None:
        """The parts of the position; None: from the start. Raises `Problem` 400 `parameter`."""
        given = query.get(self.name, "")
        if not given:
            return None
        found = self.pattern.fullmatch(given)
        if found is None:
            detail = f"{self.name} takes the value of an earlier answer"
            raise Problem("parameter", detail, parameter=self.name)
        return found.groups()
