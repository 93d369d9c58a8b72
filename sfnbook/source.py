"""Text, file or dict -> the plain JSON of a definition, and where each part of it stands.

Also takes what ``aws stepfunctions describe-state-machine`` prints, fills ``${Name}``
placeholders as SAM and Terraform do, and reads YAML.  A text that cannot be read raises a
`DefinitionError` with one Diagnostic; what sfnbook cannot work with at all is a `UsageError`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sfnbook import positions, yamltext
from sfnbook.errors import DefinitionError, Diagnostic, UsageError, nearest
from sfnbook.values import Json, checked, no_constant

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEFINITION_BYTES: Final = 1024 * 1024  # AWS's quota
MAX_FILE_BYTES: Final = 8 * 1024 * 1024
MAX_DEPTH: Final = 100
"""Objects and arrays within each other, beyond which a definition is refused (measured: what
reads one recursively takes up to six Python frames a level)."""

_SHOWN_CHARACTERS: Final = 200
PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_.:-]*)\}")
_STRING_OR_PLACEHOLDER: Final = re.compile(rf'"(?:[^"\\]|\\.)*"|{PLACEHOLDER.pattern}', re.DOTALL)
_LOOKS_LIKE_YAML: Final = re.compile(r"""^\s*(?:- )?["']?[\w .-]+["']?:(?:\s|$)""", re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """A definition as it was given: its JSON, its text if there was one, and what AWS says of it."""

    data: Json
    text: str | None = None
    name: str | None = None
    arn: str | None = None
    type: str | None = None
    role_arn: str | None = None
    placeholders: tuple[str, ...] = ()
    repeats: bool = False
    """Does some object of the text have a key twice?"""
    is_yaml: bool = False

    @cached_property
    def positions(self) -> positions.Positions:
        """Every place of the text; read anew, and only when somebody asks."""
        if self.text is None:
            return positions.Positions({}, {})
        if self.is_yaml:
            return yamltext.read(self.text)[1]
        return positions.of_json(self.text)

    def position(self, pointer: str) -> tuple[int, int] | None:
        r"""Line and column of what stands at ``pointer``, or None without a text.

        Takes AWS's way of writing a location, and a JSON pointer.

        >>> from_text('{"StartAt": "A",\n "States": {}}').position("/States")
        (2, 12)
        """
        places = self.positions.places
        pointer = "" if pointer == "/" else pointer
        return places.get(pointer) or places.get(_aws_location(pointer))


def _aws_location(pointer: str) -> str:
    location = re.sub(r"/(\d+)(?=/|$)", r"[\1]", pointer)
    return location.replace("~1", "/").replace("~0", "~")


def read(
    source: Mapping[str, Json] | str | Path | Source, *, substitutions: Mapping[str, Json] | None = None
) -> Source:
    """Read a definition from a dict, a JSON or YAML text, or a file.

    >>> read('{"StartAt": "${First}", "States": {}}', substitutions={"First": "A"}).data["StartAt"]
    'A'
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, Mapping):
        if deeper_than(source, MAX_DEPTH):
            return Source(source)
        return _from_json(checked(dict(source), "The definition"), substitutions)
    if isinstance(source, Path):
        return _from_file(source, substitutions)
    if isinstance(source, str):
        stripped = source.strip()
        if not stripped or stripped.startswith("{") or "\n" in stripped:
            return from_text(source, substitutions=substitutions)
        return _from_file(Path(source), substitutions)
    raise UsageError(
        f"A definition is a dict, a JSON or YAML text, or the path of a file, not {type(source).__name__}."
    )


def from_text(text: str, *, substitutions: Mapping[str, Json] | None = None) -> Source:
    """Read a text, whatever it looks like; `read` would take one without a line break for a path.

    >>> from_text("StartAt: A").data
    {'StartAt': 'A'}
    """
    text = text.removeprefix("\ufeff")
    stripped = text.strip()
    if not stripped:
        return Source(None, text)
    if not stripped.startswith(("{", "[", '"')) and _LOOKS_LIKE_YAML.search(text):
        return _from_yaml(text, substitutions)
    if '"definition"' in text and '"stateMachineArn"' in text and _is_description(data := _parsed(text)[0]):
        return _from_description(data, substitutions)
    filled = _filled_text(text, substitutions)
    data, repeats = _parsed(filled)
    return Source(data, filled, placeholders=_names(filled), repeats=repeats)


def _from_file(path: Path, substitutions: Mapping[str, Json] | None) -> Source:
    allowed = f"a definition has at most {MAX_DEFINITION_BYTES:,}"
    return from_text(file_text(path, MAX_FILE_BYTES, allowed), substitutions=substitutions)


def file_text(path: Path, most: int, allowed: str) -> str:
    """The text of a file of at most ``most`` bytes; UsageError with what is wrong, or what is ``allowed``."""
    shown = str(path) if len(str(path)) <= _SHOWN_CHARACTERS else f"{str(path)[:_SHOWN_CHARACTERS]}..."
    try:
        size = path.stat().st_size
        if size > most:
            raise UsageError(f"{path} is {size:,} bytes long; {allowed}.")
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"There is no file {shown!r}.{nearest_files(path)}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a UTF-8 text.") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise UsageError(f"{shown!r} cannot be read as a file: {reason}") from None


def nearest_files(path: Path) -> str:
    """A hint for a file that is not there: the files with a similar name."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f" There is no folder {str(path.parent)!r} either."
    near = get_close_matches(path.name, names, n=3, cutoff=0.4)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def deeper_than(value: Json, limit: int) -> bool:
    """Are there more than ``limit`` objects and arrays within each other?

    >>> deeper_than([[[]]], 2), deeper_than([[[]]], 3)
    (True, False)
    """
    level: list[Any] = [value]
    for _ in range(limit + 1):
        containers = {id(item): item for item in level if isinstance(item, dict | list)}
        if not containers:
            return False
        level = [
            inner
            for item in containers.values()
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return True


# -- describe-state-machine -----------------------------------------------------------------


def _is_description(data: Json) -> bool:
    return isinstance(data, dict) and isinstance(data.get("definition"), str) and "stateMachineArn" in data


def _from_json(data: Json, substitutions: Mapping[str, Json] | None) -> Source:
    if _is_description(data):
        return _from_description(data, substitutions)
    given = substitutions or {}
    names = list(_names_within(data))
    _check_names(given, names)
    if given:
        data = _filled_json(data, given)
        names = list(_names_within(data))
    return Source(data, placeholders=tuple(dict.fromkeys(names)))


def _from_description(data: dict[str, Json], substitutions: Mapping[str, Json] | None) -> Source:
    inner = from_text(data["definition"], substitutions=substitutions)
    arn, name = data["stateMachineArn"], data.get("name")
    return Source(
        inner.data,
        inner.text,
        name=name if isinstance(name, str) else str(arn).rpartition(":")[2],
        arn=arn,
        type=data.get("type"),
        role_arn=data.get("roleArn"),
        placeholders=inner.placeholders,
        repeats=inner.repeats,
        is_yaml=inner.is_yaml,
    )


# -- JSON and YAML text ---------------------------------------------------------------------


def _parsed(text: str) -> tuple[Json, bool]:
    """The value of a JSON text, and whether some object in it has a key twice."""
    repeats = False

    def pairs(items: list[tuple[str, Json]]) -> dict[str, Json]:
        nonlocal repeats
        made = dict(items)
        repeats = repeats or len(made) != len(items)
        return made

    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=no_constant), repeats
    except json.JSONDecodeError as problem:
        if text.startswith("${", problem.pos):
            _fail(_unfilled(text), None, (problem.lineno, problem.colno))
        found = positions.unreadable(text, problem)
        _fail(found.message, found.location, found.place)
    except RecursionError:
        _fail("The definition is nested too deeply to be read", None, positions.too_deep(text, MAX_DEPTH))
    except ValueError:
        # Python reads integers of 4,300 digits at most, and leaves where it stopped unsaid.
        message = "The definition has a number that is no JSON number, or has too many digits"
        _fail(message, None, positions.odd_number(text))


def _unfilled(text: str) -> str:
    names = dict.fromkeys(name for match in _STRING_OR_PLACEHOLDER.finditer(text) if (name := match[1]))
    shown = ", ".join(f'"{name}": ...' for name in names)
    return (
        f"The placeholder ${{{next(iter(names), '')}}} stands outside quotes and is not filled; "
        f"pass substitutions={{{shown}}}"
    )


def _fail(message: str, location: str | None, place: positions.Place) -> NoReturn:
    raise DefinitionError([Diagnostic("ERROR", "INVALID_JSON_DESCRIPTION", message, location, *place)])


def _from_yaml(text: str, substitutions: Mapping[str, Json] | None) -> Source:
    given = substitutions or {}
    _check_names(given, _names(text))
    try:
        data, found = yamltext.read(text, lambda value, plain: _filled_string(value, given, typed=plain))
    except yamltext.UnreadableYaml as problem:
        _fail(str(problem), None, problem.place)
    if _is_description(data):
        return _from_description(data, substitutions={})
    names = tuple(dict.fromkeys(_names_within(data)))
    return Source(data, text, placeholders=names, repeats=bool(found.duplicates), is_yaml=True)


# -- ${placeholders} ------------------------------------------------------------------------


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(PLACEHOLDER.findall(text)))


def _names_within(value: Json) -> Iterator[str]:
    """The placeholders in all strings of a JSON value, keys included, in order of appearance."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield from PLACEHOLDER.findall(item)
        elif isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, dict):
            waiting.extend(part for pair in reversed(item.items()) for part in reversed(pair))


def _check_names(given: Mapping[str, Json], names: tuple[str, ...] | list[str]) -> None:
    for name in given:
        if name not in names:
            near = nearest(name, names) or next(iter(names), None)
            hint = f"the nearest is ${{{near}}}" if near else "it has none at all"
            raise UsageError(f"The definition has no placeholder ${{{name}}}; {hint}.")


def _filled_text(text: str, substitutions: Mapping[str, Json] | None) -> str:
    given = substitutions or {}
    _check_names(given, _names(text))
    if not given:
        return text

    def fill(match: re.Match[str]) -> str:
        if match[1] is None:
            return PLACEHOLDER.sub(lambda inner: _quoted(inner, given), match[0])
        return _json_text(given[match[1]], match[1]) if match[1] in given else match[0]

    return _STRING_OR_PLACEHOLDER.sub(fill, text)


def _quoted(match: re.Match[str], given: Mapping[str, Json]) -> str:
    if match[1] not in given:
        return match[0]
    return json.dumps(_words(given[match[1]], match[1]), ensure_ascii=False)[1:-1]


def _words(value: Json, name: str) -> str:
    return value if isinstance(value, str) else _json_text(value, name)


def _json_text(value: Json, name: str) -> str:
    return json.dumps(checked(value, f"The substitution for {name}"), ensure_ascii=False)


def _filled_string(text: str, given: Mapping[str, Json], *, typed: bool) -> Json:
    """Fill a string; one that is nothing but a placeholder takes the value itself if ``typed``."""
    whole = PLACEHOLDER.fullmatch(text)
    if typed and whole and whole[1] in given:
        return checked(given[whole[1]], f"The substitution for {whole[1]}")
    return PLACEHOLDER.sub(
        lambda part: _words(given[part[1]], part[1]) if part[1] in given else part[0], text
    )


def _filled_json(value: Json, given: Mapping[str, Json]) -> Json:
    if isinstance(value, str):
        return _filled_string(value, given, typed=True)
    if isinstance(value, list):
        return [_filled_json(item, given) for item in value]
    if isinstance(value, dict):
        return {
            _words(_filled_string(key, given, typed=False), key): _filled_json(item, given)
            for key, item in value.items()
        }
    return value
