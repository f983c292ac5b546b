"""Building HTML and SVG as a tree, so that every text is escaped."""

from xml.etree.ElementTree import Element


def element(tag: str, /, *children: Element | str, **attributes: str | float | None) -> Element:
    """Return an element with children.

    Args:
        tag: Its name.
        children: Elements and texts, in order.
        attributes: Its attributes; a trailing underscore is dropped, others become hyphens, ``None`` is left out.
    """
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            made.set(name.rstrip("_").replace("_", "-"), f"{value:.6g}" if isinstance(value, float) else str(value))
    for child in children:
        if not isinstance(child, str):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + child
        else:
            made.text = (made.text or "") + child
    return made
