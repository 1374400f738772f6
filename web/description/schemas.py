"""JSON Schemas of the code's own types, in the form that both documents have."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Final

import msgspec

_REF: Final = "#/components/schemas/{name}"

#: A field that this is set of in its schema is Parley's own: no client sees it.
INTERNAL: Final = "x-internal"


def schemas_of(
    types: Sequence[Any], *, internal: bool
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """The schema of each type, and the components that these refer to.

    Without `internal` the fields that are Parley's own are left out.
    """
    found, components = msgspec.json.schema_components(types, ref_template=_REF)
    schemas = [dict(one) for one in found]
    for one in components.values():
        _tidy(one, internal=internal)
    for one in schemas:
        _tidy(one, internal=internal)
    return schemas, _used(schemas, components)


def _tidy(schema: Any, *, internal: bool) -> None:
    if isinstance(schema, list):
        for one in schema:
            _tidy(one, internal=internal)
    if not isinstance(schema, dict):
        return
    said = schema.get("description")
    if isinstance(said, str):
        schema["description"] = inspect.cleandoc(said)
    fields = schema.get("properties")
    if isinstance(fields, dict):
        for name in [name for name, one in fields.items() if one.pop(INTERNAL, False)]:
            if not internal:
                del fields[name]
    for one in schema.values():
        _tidy(one, internal=internal)


def _used(
    schemas: list[dict[str, Any]], components: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The components that something refers to: a field left out may have had its own."""
    wanted: dict[str, dict[str, Any]] = {}
    left: list[Any] = list(schemas)
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            left += one.values()
            name = str(one.get("$ref", "")).rpartition("/")[2]
            if name in components and name not in wanted:
                wanted[name] = components[name]
                left.append(components[name])
    return {name: wanted[name] for name in sorted(wanted)}
