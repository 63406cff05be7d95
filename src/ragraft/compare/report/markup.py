"""HTML and SVG put together so that text stays text: whatever is not made here is escaped."""

from __future__ import annotations

from html import escape

__all__ = ["EMPTY", "Markup", "el", "join"]

VOID = frozenset(
    {"br", "circle", "hr", "input", "line", "link", "meta", "path", "polygon", "polyline", "rect"}
)


class Markup(str):
    """Text that is markup already. Only `el` and `join` make it, and whoever vouches for what he wrote himself."""

    __slots__ = ()


EMPTY = Markup("")
Part = str | int | float | None
Attribute = str | float | bool | None


def el(name: str, /, *parts: Part, **attributes: Attribute) -> Markup:
    """Return an element. Parts that are not markup are escaped, those that are None left out.

    An attribute is written as its name with dashes for underscores, less one at its end (`class_`); True stands for
    the name alone, False and None for nothing.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID and not parts:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(*parts)}</{name}>")


def join(*parts: Part) -> Markup:
    """Return parts one after another, those that are not markup escaped."""
    return Markup("".join(_part(part) for part in parts if part is not None))


def _part(part: str | float) -> str:
    return part if isinstance(part, Markup) else escape(str(part))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    # One underscore at the end keeps names apart from Python's own; SVG's viewBox and the like stay as they are.
    name = key.removesuffix("_").replace("_", "-")
    if value is True:
        return f" {name}"
    written = f"{value:.4g}" if isinstance(value, float) else str(value)
    return f' {name}="{escape(written)}"'
