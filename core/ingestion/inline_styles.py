"""What an inline style says about whether its text can be seen. Stylesheets are not read."""

import re
from dataclasses import dataclass
from functools import lru_cache

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ESCAPE = re.compile(r"\\([0-9a-f]{1,6})\s?|\\(.)", re.IGNORECASE | re.DOTALL)
_LENGTH = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))\s*([a-z%]*)")
_RGB = re.compile(r"rgba?\(\s*(\d+)\s*[,\s]\s*(\d+)\s*[,\s]\s*(\d+)\s*(?:[,/]\s*([\d.]+%?)\s*)?\)")
_NAMED = {"white": "ffffff", "black": "000000", "snow": "fffafa", "ivory": "fffff0", "whitesmoke": "f5f5f5"}
_FAR = 900.0
"""Pixels beyond an edge from which on nobody sees a text; styles that hide mostly say 9999."""

Style = dict[str, str]


def parsed(style: str) -> Style:
    """The declarations of a style attribute, as a browser reads their names; the last of a name holds."""
    plain = _ESCAPE.sub(_unescaped, _COMMENT.sub("", style)).lower()
    pairs = (part.partition(":") for part in plain.split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in pairs}


def _unescaped(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else 0
    return match[2] or (chr(code) if 0 < code < 0x11_0000 else "")


def hides(style: str) -> bool:
    """Whether nothing within can be seen, whatever its own style says."""
    return _hides_again(style) if len(style) < 200 else _hides(parsed(style))


@lru_cache(maxsize=1_024)
def _hides_again(style: str) -> bool:
    """Editors write the same few styles a thousand times."""
    return _hides(parsed(style))


def _hides(style: Style) -> bool:
    return (
        style.get("display", "").startswith("none")
        or _number(style.get("opacity", "")) == 0
        or style.get("content-visibility") == "hidden"
        or _clipped(style)
        or _folded(style)
        or _far_away(style)
    )


@dataclass(frozen=True, slots=True)
class Look:
    """How a text looks by all styles around it. `fore` and `back` are colours, as `colour` tells them."""

    unseen: bool = False
    tiny: bool = False
    fore: str | None = None
    back: str | None = None

    @property
    def hides(self) -> bool:
        return self.unseen or self.tiny or self.fore == "" or (self.fore is not None and self.fore == self.back)


SHOWN = Look()


def look(style: Style, fore: str, back: str, above: Look) -> Look:
    """How an element's own text looks: by its style, its `color` and `bgcolor`, else as what stands above it."""
    font = re.match(r"(?:[a-z]+\s+)*0(?:px|em|rem|%|pt)?[\s/]", style.get("font", ""))
    behind = style.get("background-color") or style.get("background") or back
    return Look(
        unseen=style["visibility"] in {"hidden", "collapse"} if "visibility" in style else above.unseen,
        tiny=_tiny(style["font-size"]) if "font-size" in style else font is not None if "font" in style else above.tiny,
        fore=colour(style.get("color") or fore) if style.get("color") or fore else above.fore,
        back=_behind(behind) if behind else above.back,
    )


def colour(value: str) -> str | None:
    """Six hexadecimal digits; empty for one that lets all through; None for one that is not understood."""
    value = value.strip().lower()
    if value == "transparent":
        return ""
    if rgb := _RGB.fullmatch(value):
        shown = "".join(f"{min(int(part), 255):02x}" for part in rgb.groups()[:3])
        return "" if rgb[4] and _number(rgb[4]) == 0 else shown
    digits = _NAMED.get(value, value.removeprefix("#"))
    if not re.fullmatch(r"[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8}", digits):
        return None
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    return "" if digits[6:] == "00" else digits[:6]


def _behind(value: str) -> str | None:
    parts = [value] if value.startswith("rgb") else value.split()
    return next((found for part in parts if (found := colour(part)) is not None), None)


def _number(value: str) -> float | None:
    found = _LENGTH.match(value)
    return float(found[1]) if found else None


def _pixels(value: str) -> float:
    """A length in pixels, roughly; what is none is none."""
    found = _LENGTH.match(value)
    if not found:
        return 0.0
    factor = {"em": 16.0, "rem": 16.0, "pt": 1.33, "vw": 10.0, "vh": 10.0, "%": 9.0}.get(found[2], 1.0)
    return float(found[1]) * factor


def _tiny(size: str) -> bool:
    found = _LENGTH.match(size)
    return found is not None and abs(float(found[1])) * (1.0 if found[2] in {"", "px", "pt"} else 16.0) <= 1.0


def _clipped(style: Style) -> bool:
    clip = re.sub(r"\s", "", style.get("clip", ""))
    path = re.sub(r"\s", "", style.get("clip-path", ""))
    # To clip takes a position of its own; to be read aloud alone, texts are clipped to a pixel.
    cut = bool(re.fullmatch(r"rect\((0|1px|0px)([ ,]*(0|1px|0px)){3}\)", clip))
    return (cut and style.get("position") in {"absolute", "fixed"}) or bool(
        re.match(r"inset\((50|100)%|circle\(0|polygon\(0(0|px0px)?(px)?\)", path)
    )


def _folded(style: Style) -> bool:
    """Squeezed to nothing, with what sticks out cut off."""
    squeezed = any(
        name in style and _number(style[name]) is not None and abs(_pixels(style[name])) <= 1.0
        for name in ("height", "max-height", "width", "max-width")
    )
    scaled = bool(re.search(r"scale(x|y|3d)?\(\s*0*\.?0*\s*[,)]", style.get("transform", "")))
    return scaled or (squeezed and style.get("overflow", "").startswith(("hidden", "clip")))


def _far_away(style: Style) -> bool:
    placed = style.get("position", "") in {"absolute", "fixed", "relative"}
    edges = ("left", "top", "right", "bottom") if placed else ()
    moved = any(_pixels(style.get(name, "")) <= -_FAR for name in (*edges, "text-indent", "margin-left", "margin-top"))
    shifted = re.search(r"translate(?:x|y|3d)?\(([^)]*)\)", style.get("transform", ""))
    return moved or any(_pixels(part.strip()) <= -_FAR for part in (shifted[1].split(",") if shifted else ()))
