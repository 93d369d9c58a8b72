"""Parameters and responses between Step Functions' form and the API's, along botocore's shapes.

Step Functions writes every field in PascalCase.  Optimized integrations capitalize the API's own
name, as the Java SDK 1 does; aws-sdk integrations follow the Java SDK 2, where an acronym at the
beginning is a word (``DBInstanceIdentifier`` is ``DbInstanceIdentifier``).  Timestamps of the first are
milliseconds, of the second ISO 8601 text.
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sfnbook.clock import instant, iso, parse_timestamp
from sfnbook.errors import nearest
from sfnbook.values import Json, is_number, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Shape = Any
"""A shape of botocore's: it has ``type_name``, ``members``, ``member``, ``key``, ``value``."""


@cache
def field(member: str, *, sdk: bool) -> str:
    """The name that Step Functions gives to a member of an API's shape.

    >>> field("tableName", sdk=True), field("DBClusterIdentifier", sdk=True), field("ETag", sdk=True)
    ('TableName', 'DbClusterIdentifier', 'ETag')
    >>> field("MD5OfMessageBody", sdk=False), field("MD5OfMessageBody", sdk=True)
    ('MD5OfMessageBody', 'Md5OfMessageBody')
    """
    if not sdk:
        return member[:1].upper() + member[1:]
    acronym = 1
    while member[acronym : acronym + 1].isupper() and not member[acronym + 1 : acronym + 2].islower():
        acronym += 1
    return member[:1].upper() + member[1:acronym].lower() + member[acronym:]


# --- what is sent ---------------------------------------------------------------------------------
class Request:
    """Builds the keyword arguments of one API call, and collects what is wrong with the parameters.

    ``problems`` are in the words in which AWS refuses to start the Task.
    """

    def __init__(self, *, sdk: bool) -> None:
        self.sdk = sdk
        self.problems: list[str] = []

    def build(self, shape: Shape | None, parameters: Json) -> dict[str, Any]:
        """The arguments for the API; a field that is null is not sent."""
        if parameters is None or shape is None:
            return {}
        built = self._structure(shape, parameters, "Parameters")
        return built if isinstance(built, dict) else {}

    def _value(self, shape: Shape, value: Json, name: str) -> Any:
        kind = shape.type_name
        if kind == "structure" and getattr(shape, "is_document_type", False):
            return value
        if kind in {"structure", "list", "map"}:
            inner: Callable[[Shape, Json, str], Any] = getattr(self, f"_{kind}")
            return inner(shape, value, name)
        if kind in _SCALARS:
            wanted, fits, convert = _SCALARS[kind]
            if fits(value):
                return convert(value)
            self.problems.append(f"The value for the field '{name}' must be a {wanted}")
        return value

    def _structure(self, shape: Shape, value: Json, name: str) -> Any:
        if not isinstance(value, dict):
            return self._misfit(value, name, "JSON object")
        members = _fields(shape, sdk=self.sdk)
        built = {}
        for key, item in value.items():
            if key not in members:
                self.problems.append(_unsupported(key, members))
            elif item is not None:
                member = members[key]
                built[member] = self._value(shape.members[member], item, key)
        return built

    def _list(self, shape: Shape, value: Json, name: str) -> Any:
        if not isinstance(value, list):
            return self._misfit(value, name, "JSON array")
        return [self._value(shape.member, item, name) for item in value]

    def _map(self, shape: Shape, value: Json, name: str) -> Any:
        if not isinstance(value, dict):
            return self._misfit(value, name, "JSON object")
        return {key: self._value(shape.value, item, key) for key, item in value.items() if item is not None}

    def _misfit(self, value: Json, name: str, wanted: str) -> Json:
        self.problems.append(f"The value for the field '{name}' must be a {wanted}")
        return value


def _unsupported(key: str, members: Mapping[str, str]) -> str:
    near = nearest(key, members)
    advice = f". Did you mean '{near}'?" if near else ""
    return f'The field "{key}" is not supported by Step Functions{advice}'


def _fields(shape: Shape, *, sdk: bool) -> dict[str, str]:
    return {field(member, sdk=sdk): member for member in shape.members}


def missing(operation: Any, sent: Mapping[str, Any]) -> list[str]:
    """The required members of an operation that are not sent, but for those that botocore fills in."""
    required = getattr(operation.input_shape, "required_members", ())
    return [name for name in required if name not in sent and name not in operation.idempotent_members]


def _blob(value: Json) -> bytes:
    return (value if isinstance(value, str) else text(value)).encode("utf-8", "surrogatepass")


def _moment(value: Json) -> datetime:
    if isinstance(value, str):
        return instant(parse_timestamp(value) or 0)
    return datetime.fromtimestamp(value, UTC)


def _is_whole(value: Json) -> bool:
    return is_number(value) and value == int(value)


def _is_moment(value: Json) -> bool:
    return is_number(value) or (isinstance(value, str) and parse_timestamp(value) is not None)


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


_SCALARS: Final[Mapping[str, tuple[str, Callable[[Json], bool], Callable[[Json], Any]]]] = {
    "string": ("STRING", _is_text, str),
    "character": ("STRING", _is_text, str),
    "boolean": ("BOOLEAN", lambda value: isinstance(value, bool), bool),
    "timestamp": ("TIMESTAMP", _is_moment, _moment),
    # AWS writes an object that is given for bytes as its JSON text.
    "blob": ("STRING", lambda value: isinstance(value, str | dict | list), _blob),
    **dict.fromkeys(("integer", "long", "short"), ("NUMBER", _is_whole, int)),
    **dict.fromkeys(("float", "double", "bigdecimal"), ("NUMBER", is_number, float)),
}
"""For each scalar: what AWS calls it, which JSON values fit, and what botocore gets."""


# --- what comes back ------------------------------------------------------------------------------
def response(shape: Shape | None, value: Any, *, sdk: bool) -> Json:
    """A response, or a part of one, as Step Functions gives it; what the shape does not know is left out."""
    if shape is None:
        return {}
    kind = shape.type_name
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        return {
            field(member, sdk=sdk): response(inner, value[member], sdk=sdk)
            for member, inner in shape.members.items()
            if value.get(member) is not None
        }
    if kind == "list":
        return [response(shape.member, item, sdk=sdk) for item in value]
    if kind == "map":
        return {str(key): response(shape.value, item, sdk=sdk) for key, item in value.items()}
    if kind == "timestamp":
        return _stamp(value, sdk=sdk)
    if kind == "blob":
        return shown_bytes(value.read() if hasattr(value, "read") else value)
    return value


def _stamp(value: Any, *, sdk: bool) -> Json:
    if not isinstance(value, datetime):
        return value
    since_epoch = round(value.timestamp() * 1000)
    return iso(since_epoch * 1000) if sdk else since_epoch


def shown_bytes(value: bytes | str) -> str:
    """Bytes as text where they are text, else in base64.

    >>> shown_bytes(b"text"), shown_bytes(bytes([255]))
    ('text', '/w==')
    """
    if isinstance(value, str):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(value).decode("ascii")
