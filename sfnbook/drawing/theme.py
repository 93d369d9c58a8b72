"""What the picture looks like: icons and colours of the types of state, and of what happened to one.

Icons are drawn on a field of 16 by 16 with the strokes M, L, C and Z alone, so that SVG and
matplotlib can both draw them.  Colours are middling on purpose: mixed with the ink or the
surface of the theme they do for light and dark.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_CIRCLE: Final = (
    "M14 8 C14 11.314 11.314 14 8 14 C4.686 14 2 11.314 2 8 C2 4.686 4.686 2 8 2 C11.314 2 14 4.686 14 8 Z"
)


class Look(NamedTuple):
    """The icon and the colour of a type of state."""

    icon: str
    color: str


TYPES: Final[dict[str, Look]] = {
    "Task": Look("M9.2 1.5 L3.2 9 L7.6 9 L6.8 14.5 L12.8 7 L8.4 7 Z", "#d45b07"),
    "Pass": Look("M2.2 8 L13.6 8 M9.2 3.6 L13.6 8 L9.2 12.4", "#5f6b7a"),
    "Choice": Look(
        "M8 1.8 L8 5 C8 9 3.6 7.6 3.6 13.8 M8 5 C8 9 12.4 7.6 12.4 13.8"
        " M1.4 11.6 L3.6 13.8 L5.8 11.6 M10.2 11.6 L12.4 13.8 L14.6 11.6",
        "#7d4bc4",
    ),
    "Wait": Look(_CIRCLE + " M8 4.6 L8 8.2 L10.6 9.8", "#2670c9"),
    "Succeed": Look(_CIRCLE + " M5 8.2 L7.2 10.4 L11.2 5.8", "#248814"),
    "Fail": Look(_CIRCLE + " M5.6 5.6 L10.4 10.4 M10.4 5.6 L5.6 10.4", "#d13212"),
    "Parallel": Look(
        "M4.6 2 L4.6 13.8 M2.2 11.4 L4.6 13.8 L7 11.4 M11.4 2 L11.4 13.8 M9 11.4 L11.4 13.8 L13.8 11.4",
        "#c02a78",
    ),
    "Map": Look(
        "M2.2 6 L10 6 L10 13.8 L2.2 13.8 Z M6 6 L6 2.2 L13.8 2.2 L13.8 10 L10 10",
        "#067f8c",
    ),
}


class Status(NamedTuple):
    """What happened to a state: in words, as a character, and how it is drawn.

    Never by colour alone: each has a fill, an icon of its own and a border of its own.
    ``theme_color`` is the variable of JupyterLab's theme that goes before ``color``.
    """

    label: str
    glyph: str
    css: str
    icon: str
    color: str
    theme_color: str
    border: float
    dash: str


STATUSES: Final[dict[str, Status]] = {
    "none": Status("not entered", "", "sfn-none", "", "#8d99a8", "--jp-border-color1", 1.2, ""),
    "current": Status(
        "running", "▶", "sfn-current", "M5.4 3.4 L12.6 8 L5.4 12.6 Z", "#0972d3", "--jp-brand-color1", 3, ""
    ),
    "succeeded": Status(
        "succeeded",
        "✓",
        "sfn-succeeded",
        "M3.4 8.4 L6.6 11.6 L12.6 4.8",
        "#1d8102",
        "--jp-success-color1",
        1.8,
        "",
    ),
    "failed": Status(
        "failed",
        "✕",
        "sfn-failed",
        "M4.2 4.2 L11.8 11.8 M11.8 4.2 L4.2 11.8",
        "#d13212",
        "--jp-error-color1",
        2.6,
        "",
    ),
    "caught": Status(
        "error caught",
        "⤵",
        "sfn-caught",
        "M4 3 L4 6.4 C4 9.4 6 10.6 11.8 10.6 M8.8 7.4 L12 10.6 L8.8 13.8",
        "#c26000",
        "--jp-warn-color1",
        2,
        "9 3",
    ),
    "retrying": Status(
        "retrying",
        "↻",
        "sfn-retrying",
        "M12.8 8 C12.8 10.7 10.7 12.8 8 12.8 C5.3 12.8 3.2 10.7 3.2 8 C3.2 5.3 5.3 3.2 8 3.2"
        " C9.8 3.2 11.4 4.2 12.3 5.6 M12.6 2.2 L12.4 5.8 L8.9 5.4",
        "#8a4fc9",
        "--sfn-violet",
        2,
        "5 3",
    ),
    "waiting": Status(
        "waiting",
        "…",
        "sfn-waiting",
        "M3 8 L4 8 M7.5 8 L8.5 8 M12 8 L13 8",
        "#0b8793",
        "--jp-info-color1",
        2,
        "1.5 3.5",
    ),
    "cancelled": Status(
        "cancelled",
        "⊘",
        "sfn-cancelled",
        "M3.2 12.8 L12.8 3.2",
        "#77727d",
        "--jp-ui-font-color3",
        1.6,
        "2 2",
    ),
    "aborted": Status(
        "aborted",
        "■",
        "sfn-aborted",
        "M4 4 L4 12 L12 12 L12 4 Z",
        "#5b6672",
        "--jp-ui-font-color2",
        2.2,
        "12 3 2 3",
    ),
}
