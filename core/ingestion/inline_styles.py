"""Visibility of text by its inline style. Style sheets are not read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import tinycss2
from tinycss2.color4 import parse_color

_OFF_SCREEN = -900.0
"""Pixels beyond an edge from which text counts as hidden; hiding styles mostly use -9999."""

_UNIT_PIXELS = {"em": 16.0, "rem": 16.0, "pt": 1.33, "vw": 10.0, "vh": 10.0, "%": 9.0}
_EDGES = ("left", "top", "right", "bottom")
_DELIMITERS = "\"'#(),*:;[\\{ "

MAX_DELIMITERS = 100_000
"""Per page, in distinct styles: they take seconds to parse. Data URLs, which may be long, hold few."""

Token = Any
"""A node of tinycss2, which has no types."""

Style = dict[str, list[Token]]
"""Property names with the tokens of their values, without blanks and comments."""


def parse_style(style: str) -> Style:
    """Parse a style attribute; of several declarations of a property, `!important` ones win, then the last."""
    nodes = tinycss2.parse_blocks_contents(style, skip_comments=True, skip_whitespace=True)
    declarations = [node for node in nodes if node.type == "declaration"]
    return {each.lower_name: _significant(each.value) for each in sorted(declarations, key=lambda each: each.important)}


def _significant(tokens: Iterable[Token]) -> list[Token]:
    return [token for token in tokens if token.type not in {"whitespace", "comment"}]


class PageStyles:
    """The inline styles of one page, each parsed once. Past a limit, which only hostile pages reach, styles are not
    parsed, and what they apply to counts as hidden."""

    def __init__(self) -> None:
        self._styles: dict[str, tuple[Style, bool]] = {}
        self._left = MAX_DELIMITERS

    def _parse(self, style: str) -> tuple[Style, bool]:
        if style not in self._styles:
            self._left -= sum(map(style.count, _DELIMITERS))
            parsed = parse_style(style) if self._left >= 0 else {}
            self._styles[style] = parsed, self._left < 0 or _hides(parsed)
        return self._styles[style]

    def hides(self, style: str) -> bool:
        """Return whether a style hides an element with all its descendants, whatever their own styles are."""
        return self._parse(style)[1]

    def text_look(self, style: str, color: str, background: str, parent: "TextLook") -> "TextLook":
        """Return how an element's own text looks: by its style, its `color` and `bgcolor` attributes, else as in
        `parent`."""
        return _text_look(self._parse(style)[0], color, background, parent)


def _hides(style: Style) -> bool:
    return (
        _keyword(style, "display") == "none"
        or (bool(style.get("opacity")) and _number(style["opacity"][0]) == 0)
        or _keyword(style, "content-visibility") == "hidden"
        or _is_clipped(style)
        or _is_collapsed(style)
        or _is_off_screen(style)
    )


@dataclass(frozen=True, slots=True)
class TextLook:
    """How text looks, inherited styles included. Colors are as `hex_color` returns them."""

    invisible: bool = False
    tiny: bool = False
    color: str | None = None
    background: str | None = None

    @property
    def hides(self) -> bool:
        same = self.color is not None and self.color == self.background
        return self.invisible or self.tiny or self.color == "" or same


VISIBLE = TextLook()


def _text_look(style: Style, color: str, background: str, parent: TextLook) -> TextLook:
    own_color = _color(style["color"]) if style.get("color") else hex_color(color) if color else parent.color
    behind = style.get("background-color") or style.get("background")
    own_background = _background(behind) if behind else hex_color(background) if background else parent.background
    return TextLook(
        invisible=_keyword(style, "visibility") in {"hidden", "collapse"}
        if "visibility" in style
        else parent.invisible,
        tiny=_is_tiny(style) if "font-size" in style or "font" in style else parent.tiny,
        color=own_color,
        background=own_background,
    )


def hex_color(value: str) -> str | None:
    """Return a CSS color, or a legacy one without `#`, as six hexadecimal digits: empty if it is transparent, None if
    it is not a color."""
    color = _hex(value.strip())
    return color if color is not None else _hex("#" + value.strip())


def _hex(value: str | Token) -> str | None:
    try:
        color = parse_color(value)
        if color is None or isinstance(color, str):  # a string is `currentcolor`
            return None
        parts = color.to("srgb").coordinates
    except (ValueError, TypeError, LookupError, AttributeError, NotImplementedError):  # on `color()`, for example
        return None
    if color.alpha == 0:
        return ""
    return "".join(f"{round(255 * min(max(part or 0.0, 0.0), 1.0)):02x}" for part in parts)


def _color(value: list[Token]) -> str | None:
    return _hex(value[0]) if len(value) == 1 else None


def _background(value: list[Token]) -> str | None:
    colors = (_hex(token) for token in value)
    return next((color for color in colors if color is not None), None)


def _keyword(style: Style, name: str) -> str:
    """Return the value's first keyword; empty if it begins with anything else."""
    value = style.get(name)
    return value[0].lower_value if value and value[0].type == "ident" else ""


def _number(token: Token) -> float | None:
    return float(token.value) if token.type in {"number", "percentage", "dimension"} else None


def _unit(token: Token) -> str:
    return {"percentage": "%", "dimension": getattr(token, "lower_unit", "")}.get(token.type, "")


def _pixels(token: Token) -> float | None:
    """Return a length in pixels, roughly; None if it is not a length."""
    number = _number(token)
    return None if number is None else number * _UNIT_PIXELS.get(_unit(token), 1.0)


def _is_tiny(style: Style) -> bool:
    if "font-size" in style:
        size = next(iter(style["font-size"]), None)
        number = _number(size) if size else None
        return number is not None and abs(number) * (1.0 if _unit(size) in {"", "px", "pt"} else 16.0) <= 1.0
    tokens = [token for token in style["font"] if token.type != "ident"]
    return len(style["font"]) > 1 and bool(tokens) and _number(tokens[0]) == 0


def _functions(style: Style, name: str) -> dict[str, list[Token]]:
    """Return the functions of a value with their arguments, without blanks and commas."""
    return {
        token.lower_name: [argument for argument in _significant(token.arguments) if argument.type != "literal"]
        for token in style.get(name, ())
        if token.type == "function"
    }


def _is_clipped(style: Style) -> bool:
    """To hide text from all but screen readers, sites clip it to a pixel. `clip` needs a position."""
    rect = _functions(style, "clip").get("rect", [])
    if rect and _keyword(style, "position") in {"absolute", "fixed"} and all(_is_within(edge, 1.0) for edge in rect):
        return True
    shapes = _functions(style, "clip-path")
    inset, circle, polygon = (shapes.get(name, []) for name in ("inset", "circle", "polygon"))
    return (
        (bool(inset) and _unit(inset[0]) == "%" and _number(inset[0]) in {50.0, 100.0})
        or (bool(circle) and _is_within(circle[0], 0.99))
        or (bool(polygon) and all(_is_within(corner, 0.0) for corner in polygon))
    )


def _is_within(token: Token, pixels: float) -> bool:
    length = _pixels(token)
    return length is not None and abs(length) <= pixels


def _is_collapsed(style: Style) -> bool:
    """Return whether the element is scaled or squeezed to nothing, and what overflows is cut off."""
    scaled = any(
        arguments and _number(arguments[0]) == 0
        for name, arguments in _functions(style, "transform").items()
        if name in {"scale", "scalex", "scaley", "scale3d"}
    )
    squeezed = any(
        style.get(name) and _is_within(style[name][0], 1.0) for name in ("height", "max-height", "width", "max-width")
    )
    return scaled or (squeezed and _keyword(style, "overflow") in {"hidden", "clip"})


def _is_off_screen(style: Style) -> bool:
    placed = _keyword(style, "position") in {"absolute", "fixed", "relative"}
    names = (*(_EDGES if placed else ()), "text-indent", "margin-left", "margin-top")
    offsets = [style[name][0] for name in names if style.get(name)]
    for name, arguments in _functions(style, "transform").items():
        if name in {"translate", "translatex", "translatey", "translate3d"}:
            offsets += arguments
    return any((_pixels(offset) or 0.0) <= _OFF_SCREEN for offset in offsets)
