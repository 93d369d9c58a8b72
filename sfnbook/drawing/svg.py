"""A geometry -> SVG that stands alone, follows the theme around it, and can be clicked.

Colours are custom properties: inside JupyterLab those of its theme, elsewhere light or dark as
the reader's system says; programs that know no custom properties find plain attributes beside
them.  What people wrote is escaped here and nowhere else.
"""

from __future__ import annotations

import hashlib
import html
import re
from typing import TYPE_CHECKING, Final

from sfnbook.drawing.graph import CATCH
from sfnbook.drawing.layout import (
    DETAIL_LINE,
    DETAIL_SIZE,
    HEAD,
    LABEL_LINE,
    LABEL_SIZE,
    NAME_LINE,
    NAME_SIZE,
    TEXT_AT,
    TILE,
    Box,
    EdgePath,
    Geometry,
    Mark,
)
from sfnbook.drawing.routing import ARROW, Command, Rect
from sfnbook.drawing.statuses import Marks, Way
from sfnbook.drawing.textwidth import width
from sfnbook.drawing.theme import STATUSES, TYPES, Status
from sfnbook.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["STATUSES", "TYPES", "to_svg"]

_INK: Final = "#16202c"
_SURFACE: Final = "#ffffff"
_LINE: Final = "#6b7683"
_CATCH: Final = "#c0361a"
_TAKEN: Final = "#0d5ba8"
NOTE_SIZE: Final = 10.5
_CAPTION: Final = 20.0  # pixels for a line below the picture

_FONT: Final = (
    "var(--jp-ui-font-family,'Amazon Ember','Helvetica Neue',Roboto,Arial),"
    "'Noto Sans CJK KR','Noto Sans CJK JP','Malgun Gothic','Apple SD Gothic Neo','Hiragino Sans',"
    "'Yu Gothic',sans-serif"
)

_STYLE: Final = """
ID{--sfn-surface:var(--jp-layout-color1,#fff);--sfn-ink:var(--jp-ui-font-color1,#16202c);
--sfn-line:color-mix(in srgb,var(--sfn-ink) 58%,var(--sfn-surface));
--sfn-catch:color-mix(in srgb,var(--jp-error-color1,#d13212) 84%,var(--sfn-ink));
font-family:FONT;max-width:100%;height:auto}
@media (prefers-color-scheme:dark){ID{--sfn-surface:var(--jp-layout-color1,#0f1823);
--sfn-ink:var(--jp-ui-font-color1,#e8edf3)}}
ID .sfn-paper{fill:var(--sfn-surface);stroke:none}
ID .sfn-node{cursor:pointer;outline:none;--sfn-hue:var(--jp-border-color1,#8d99a8);--sfn-tint:0%}
ID .sfn-face{stroke-width:1.2;stroke-dasharray:none;
fill:color-mix(in srgb,var(--sfn-hue) var(--sfn-tint),var(--sfn-surface));
stroke:color-mix(in srgb,var(--sfn-hue) 88%,var(--sfn-ink));filter:drop-shadow(0 1px 1.5px rgba(0,20,40,.16))}
ID .sfn-container .sfn-face{filter:none;fill:color-mix(in srgb,var(--sfn-hue) max(6%,var(--sfn-tint)*.6),
var(--sfn-surface))}
ID .sfn-lane{fill:color-mix(in srgb,var(--sfn-surface) 70%,transparent);stroke:var(--sfn-line)}
ID .sfn-caption{fill:color-mix(in srgb,var(--sfn-ink) 68%,var(--sfn-surface))}
ID .sfn-name{fill:var(--sfn-ink)}
ID .sfn-detail{fill:color-mix(in srgb,var(--sfn-ink) 68%,var(--sfn-surface))}
ID .sfn-badge{display:none}
ID .sfn-badge circle{fill:color-mix(in srgb,var(--sfn-hue) 90%,#000);stroke:var(--sfn-surface)}
ID .sfn-node:hover .sfn-face{stroke:var(--sfn-ink)}
ID .sfn-node:focus-visible .sfn-face{stroke:var(--jp-brand-color1,#0972d3);stroke-width:4;
stroke-dasharray:none}
ID .sfn-edge{stroke:var(--sfn-line)}
ID .sfn-arrow{fill:var(--sfn-line);stroke:none}
ID .sfn-edge.sfn-catch{stroke:var(--sfn-catch)}
ID .sfn-catch .sfn-arrow{fill:var(--sfn-catch)}
ID .sfn-label rect{fill:var(--sfn-surface);stroke:none}
ID .sfn-label text{fill:color-mix(in srgb,var(--sfn-ink) 86%,var(--sfn-surface))}
ID .sfn-label.sfn-catch text{fill:var(--sfn-catch)}
ID .sfn-way{display:none;--sfn-way:color-mix(in srgb,var(--jp-brand-color1,#0972d3) 55%,var(--sfn-ink));
stroke:var(--sfn-way);fill:none}
ID .sfn-way.sfn-catch{--sfn-way:var(--sfn-catch)}
ID .sfn-way .sfn-arrow{fill:var(--sfn-way);stroke:none}
ID .sfn-way[data-taken]{display:inline}
ID .sfn-note{display:none}
ID .sfn-node[data-note] .sfn-note{display:inline}
ID .sfn-note rect{fill:var(--sfn-surface);stroke:color-mix(in srgb,var(--sfn-hue) 88%,var(--sfn-ink))}
ID .sfn-note text{fill:var(--sfn-ink)}
ID .sfn-stop{display:none;fill:#d92b2b;stroke:var(--sfn-surface)}
ID .sfn-node[data-stop] .sfn-stop{display:inline}
ID .sfn-mark rect,ID .sfn-mark circle{fill:var(--sfn-line);stroke:none}
ID .sfn-mark text{fill:var(--sfn-surface)}
"""


def to_svg(
    geometry: Geometry,
    *,
    status: Mapping[str, str] | None = None,
    marks: Marks | None = None,
    title: str | None = None,
    caption: str = "",
) -> str:
    """The picture as SVG text; ``status`` gives the states by pointer a name of `STATUSES`.

    ``marks`` gives that and all else that happened; ``caption`` is a line below.  Each state is a
    ``<g class="sfn-node">`` with ``data-pointer`` and ``data-status``, and can be focused; each edge
    is there a second time as a ``<g class="sfn-way">`` that shows when it has ``data-taken``.  So a
    live view changes attributes and texts only.

    >>> from sfnbook.drawing.layout import layout
    >>> from sfnbook.parse import definition
    >>> picture = layout(definition({"StartAt": "<A>", "States": {"<A>": {"Type": "Pass", "End": True}}}))
    >>> svg = to_svg(picture, status={"/States/<A>": "failed"})
    >>> "<A>" in svg, 'aria-label="&lt;A&gt;, Pass, failed"' in svg
    (False, True)
    """
    marks = Marks(status or {}) if marks is None else marks
    known(marks.status)
    body = "".join(
        [
            f'<rect class="sfn-paper" width="100%" height="100%" fill="{_SURFACE}"/>\n',
            *(_node(geometry, key, box, marks) for key, box in geometry.nodes.items()),
            *(_mark(mark) for mark in geometry.marks.values()),
            *(_edge(edge, strokes) for edge, strokes in fresh_strokes(geometry.edges)),
            *(_way(number, edge, marks) for number, edge in enumerate(geometry.edges)),
            *(_label(edge, edge.label_box) for edge in geometry.edges if edge.label_box),
            _caption(geometry, caption),
        ]
    )
    name = escaped(title or "State machine")
    wide = max(geometry.width, width(caption, NOTE_SIZE) + 2 * _CAPTION if caption else 0)
    w, h = _number(wide), _number(geometry.height + (_CAPTION if caption else 0))
    identity = "sfn-" + hashlib.sha256(f"{w} {h}{name}{body}".encode()).hexdigest()[:12]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{identity}" class="sfn-graph" viewBox="0 0 {w} {h}" '
        f'width="{w}" height="{h}" role="group" '
        f'aria-labelledby="{identity}-title" font-family="Helvetica, Arial, sans-serif">\n'
        f'<title id="{identity}-title">{name}</title>\n'
        f"<style>{_style(identity)}</style>\n{body}</svg>\n"
    )


def _caption(geometry: Geometry, caption: str) -> str:
    style = f'font-size="{_number(NOTE_SIZE)}" fill="{_INK}"'
    y = geometry.height + _CAPTION / 2
    return _text(caption, "sfn-caption", _CAPTION, y, style) + "\n" if caption else ""


def ways(geometry: Geometry) -> dict[Way, int]:
    """The edges of a picture by what they connect, with their numbers."""
    return {
        Way(edge.source, edge.target, edge.kind == CATCH): number
        for number, edge in enumerate(geometry.edges)
    }


def known(status: Mapping[str, str]) -> Mapping[str, str]:
    """The statuses, or a UsageError for one that is not in `STATUSES`."""
    for pointer, name in status.items():
        if name not in STATUSES:
            raise UsageError(f"{name!r} (of {pointer}) is no status; there are {', '.join(STATUSES)}.")
    return status


# XML 1.0 has no way to write these, not even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escaped(text: str) -> str:
    r"""Text for an element or an attribute; what XML cannot hold becomes U+FFFD.

    >>> escaped('<b title="x">\x00')
    '&lt;b title=&quot;x&quot;&gt;\ufffd'
    """
    return html.escape(_NOT_XML.sub("\ufffd", text))


def _style(identity: str) -> str:
    rules = [_STYLE.strip().replace("FONT", _FONT)]
    for name, status in STATUSES.items():
        if name != "none":
            here = f'ID [data-status="{name}"]'
            hue = f"var({status.theme_color},{status.color})"
            rules += [
                f"{here}.sfn-node{{--sfn-hue:{hue};--sfn-tint:{20 if name == 'current' else 13}%}}",
                f"{here} .sfn-face{{stroke-width:{status.border};stroke-dasharray:{status.dash or 'none'}}}",
                f"{here} .sfn-badge{{display:inline}}",
            ]
    return "\n".join(rules).replace("ID", f"#{identity}")


def _number(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _rect(rect: Box | Mark | Rect, name: str, rx: float, more: str = "") -> str:
    x, y, w, h = map(_number, (rect.x, rect.y, rect.w, rect.h))
    return f'<rect class="{name}" x="{x}" y="{y}" width="{w}" height="{h}" rx="{_number(rx)}"{more}/>'


def _text(line: str, name: str, x: float, y: float, more: str) -> str:
    return f'<text class="{name}" x="{_number(x)}" y="{_number(y)}" {more}>{escaped(line)}</text>'


def _node(geometry: Geometry, pointer: str, box: Box, marks: Marks) -> str:
    name, note = marks.status.get(pointer, "none"), marks.notes.get(pointer, "")
    status = STATUSES[name]
    words = [box.name, box.type, *([status.label] if name != "none" else []), *([note] if note else [])]
    dash = f' stroke-dasharray="{status.dash}"' if status.dash else ""
    face = f' fill="{_SURFACE}" stroke="{status.color}" stroke-width="{_number(status.border)}"{dash}'
    lanes = "".join(
        _rect(lane, "sfn-lane", 6, f' fill="none" stroke="{_LINE}" stroke-width="0.8" stroke-dasharray="3 3"')
        for lane in geometry.lanes_of(pointer)
    )
    left, top = box.x + TEXT_AT, box.y + HEAD
    first = top + DETAIL_LINE + NAME_SIZE
    style = f'font-size="{_number(NAME_SIZE)}" font-weight="500" fill="{_INK}"'
    kind = "sfn-node sfn-container" if box.container else "sfn-node"
    return "".join(
        [
            f'<g class="{kind}" data-pointer="{escaped(pointer)}" ',
            f'data-type="{box.type}" data-status="{name}" ',
            f'data-note="{escaped(note)}" ' if note else "",
            'role="button" tabindex="0" ',
            f'data-lm-suppress-shortcuts="true" aria-label="{escaped(", ".join(words))}">',
            f"<title>{escaped(box.name)}</title>{_rect(box, 'sfn-face', 8, face)}{_tile(box)}",
            _text(box.detail, "sfn-detail", left, top + 10, f'font-size="{DETAIL_SIZE}" fill="{_LINE}"'),
            *(
                _text(line, "sfn-name", left, first + index * NAME_LINE, style)
                for index, line in enumerate(box.lines)
            ),
            f"{_badge(box, status)}{_note(box, note)}{_stop(box)}</g>{lanes}\n",
        ]
    )


def _tile(box: Box) -> str:
    look = TYPES[box.type]
    x, y = box.x + 10, box.y + HEAD + 2
    tile = _rect(Rect(x, y, TILE, TILE), "sfn-tile", 6, f' fill="{look.color}"')
    return f"{tile}{_icon(look.icon, x + 6, y + 6, 1.5)}"


def _icon(icon: str, x: float, y: float, stroke: float) -> str:
    return (
        f'<path class="sfn-icon" transform="translate({_number(x)} {_number(y)})" d="{icon}" fill="none" '
        f'stroke="#fff" stroke-width="{_number(stroke)}" stroke-linecap="round" stroke-linejoin="round"/>'
    )


def _badge(box: Box, status: Status) -> str:
    """The icon of the status on the upper right corner; there for a live view also when hidden."""
    x, y = _number(box.x + box.w - 4), _number(box.y + 3)
    hidden = "" if status.icon else ' display="none"'
    return (
        f'<g class="sfn-badge" transform="translate({x} {y})"{hidden}>'
        f'<circle r="10" fill="{status.color}" stroke="{_SURFACE}" stroke-width="1.5"/>'
        f"{_icon(status.icon, -8, -8, 2)}</g>"
    )


def note_pill(box: Box, note: str) -> Rect:
    """Where a note stands: on the lower edge of a state, in the head of a container."""
    w = width(note, NOTE_SIZE) + 14
    right = box.x + box.w - (20 if box.container else 12)
    middle = box.y + (HEAD + 6 if box.container else box.h)
    return Rect(right - w, middle - 8, w, 16)


def _note(box: Box, note: str) -> str:
    """The attempt, or how far a Map is; a live view sets the text."""
    pill = note_pill(box, note)
    hidden = "" if note else ' display="none"'
    face = _rect(pill, "sfn-note-face", 8, f' fill="{_SURFACE}" stroke="{_LINE}"')
    style = f'font-size="{_number(NOTE_SIZE)}" text-anchor="end" fill="{_INK}"'
    text = _text(note, "sfn-note-text", pill.x + pill.w - 7, pill.y + 12, style)
    return f'<g class="sfn-note"{hidden}>{face}{text}</g>'


def _stop(box: Box) -> str:
    """The dot of a breakpoint, where an editor has it: at the left."""
    x, y = _number(box.x), _number(box.y + (HEAD + 16 if box.container else box.h / 2))
    style = f'stroke="{_SURFACE}" stroke-width="1.5" display="none"'
    return f'<circle class="sfn-stop" cx="{x}" cy="{y}" r="7" fill="#d92b2b" {style}/>'


def _way(number: int, edge: EdgePath, marks: Marks) -> str:
    """An edge as it stands out when it was taken."""
    catch = edge.kind == CATCH
    taken = Way(edge.source, edge.target, catch) in marks.taken
    kind, color = ("sfn-way sfn-catch", _CATCH) if catch else ("sfn-way", _TAKEN)
    shown = ' data-taken="true"' if taken else ' display="none"'
    return (
        f'<g class="{kind}" data-edge="{number}"{shown} fill="none" stroke="{color}" stroke-width="3">'
        f'<path d="{_path(edge.path)}"/><path class="sfn-arrow" d="{_arrow(edge)}" fill="{color}"/></g>\n'
    )


def _arrow(edge: EdgePath) -> str:
    x, y = edge.path[-1][1]
    return f"M{_number(x)} {_number(y)}l-4.5 {_number(-ARROW - 1)}q4.5 2.5 9 0z"


def _mark(mark: Mark) -> str:
    if not mark.text:
        x, y, r = map(_number, (mark.x + mark.w / 2, mark.y + mark.h / 2, mark.w / 2))
        return f'<g class="sfn-mark"><circle cx="{x}" cy="{y}" r="{r}" fill="{_LINE}"/></g>\n'
    style = f'font-size="{_number(LABEL_SIZE)}" text-anchor="middle" fill="{_SURFACE}"'
    text = _text(mark.text, "sfn-mark-text", mark.x + mark.w / 2, mark.y + mark.h / 2 + 4, style)
    face = _rect(mark, "sfn-terminal", mark.h / 2, f' fill="{_LINE}"')
    return f'<g class="sfn-mark">{face}{text}</g>\n'


def fresh_strokes(edges: Iterable[EdgePath]) -> Iterator[tuple[EdgePath, list[Command]]]:
    """Each edge with the strokes that no edge before it has drawn.

    Edges to one state run together; drawn twice, their dashes would fill each other's gaps.
    """
    drawn: set[tuple[bool, tuple[float, ...], Command]] = set()
    for edge in edges:
        strokes: list[Command] = []
        pen, lifted = edge.path[0][1], True
        for name, numbers in edge.path[1:]:
            stroke = (edge.kind == CATCH, pen, (name, numbers))
            if stroke in drawn:
                lifted = True
            else:
                drawn.add(stroke)
                strokes += [("M", pen), (name, numbers)] if lifted else [(name, numbers)]
                lifted = False
            pen = numbers[-2:]
        yield edge, strokes


def _edge(edge: EdgePath, strokes: list[Command]) -> str:
    if not strokes:
        return ""
    catch = edge.kind == CATCH
    dash = ' stroke-dasharray="5 3.5"' if catch else ""
    color = _CATCH if catch else _LINE
    return (
        f'<g class="sfn-edge sfn-{edge.kind}" data-source="{escaped(edge.source)}" '
        f'data-target="{escaped(edge.target)}" '
        f'fill="none" stroke="{color}" stroke-width="1.5"><path d="{_path(strokes)}"{dash}/>'
        f'<path class="sfn-arrow" d="{_arrow(edge)}" fill="{color}" stroke="none"/></g>\n'
    )


def _path(strokes: Iterable[Command]) -> str:
    return "".join(name + " ".join(map(_number, numbers)) for name, numbers in strokes)


def _label(edge: EdgePath, box: Rect) -> str:
    color = _CATCH if edge.kind == CATCH else _INK
    style = f'font-size="{_number(LABEL_SIZE)}" text-anchor="middle" fill="{color}"'
    x, first = box.x + box.w / 2, box.y + 2 + LABEL_SIZE
    text = "".join(
        _text(line, "sfn-label-text", x, first + index * LABEL_LINE, style)
        for index, line in enumerate(edge.lines)
    )
    face = _rect(box, "sfn-label-face", 4, f' fill="{_SURFACE}"')
    return f'<g class="sfn-label sfn-{edge.kind}"><title>{escaped(edge.label)}</title>{face}{text}</g>\n'
