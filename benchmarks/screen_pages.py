"""Pages that look like screens: what `screenshots.py` has a browser draw. A page is a function of its style and a seed."""

import html
import random
from collections.abc import Callable
from dataclasses import dataclass

TEXT = (
    "account agreed amount answer archive arrived attached balance before begin between branch budget cancel change "
    "clear client close confirm contact copy could cover customer daily deliver design detail draft during every "
    "export family figure file filter finish folder follow forward future garden general given group hello hour idea "
    "image import index invoice issue item journey kitchen later letter line list local market meeting member message "
    "minute monday morning network never notice number offer office open order other owner page paper partner people "
    "place please point postal price print privacy profile project public question quick reason record remove repeat "
    "reply report result review river sample save school search second secure send service settings shared simple "
    "small sound south station status street subject summer support system table thanks theme their today total "
    "travel tuesday under update user value version visit volume water week welcome window winter without work world "
    "write year yesterday "
)
WORDS = TEXT.split()


@dataclass(frozen=True)
class Style:
    """How a system's windows look: font families in order of preference, accent, corner radius in pixels, window buttons."""

    name: str
    font: str
    accent: str
    radius: int
    buttons: str


STYLES = {
    "windows": Style("windows", "'Segoe UI','Open Sans','Liberation Sans'", "#0067c0", 4, "&#8212; &#9633; &#10005;"),
    "macos": Style("macos", "'SF Pro Text',Inter,'Liberation Sans'", "#0a7aff", 10, "&#128308; &#128993; &#128994;"),
    "gnome": Style("gnome", "Cantarell,'DejaVu Sans'", "#3584e4", 12, "&#9711;"),
    "android": Style("android", "Roboto,'DejaVu Sans'", "#6750a4", 20, ""),
    "ios": Style("ios", "'SF Pro Text',Inter,'Liberation Sans'", "#34c759", 14, ""),
}


class Writer:
    """Draws words and numbers for one page, the same for the same seed; knows the colours of the shade."""

    def __init__(self, style: Style, dark: bool, seed: int) -> None:
        self.style, self.dark, self.random = style, dark, random.Random(seed)
        self.ground, self.raised, self.ink, self.faint, self.line = (
            ("#1e1f22", "#2b2d31", "#e4e6ea", "#9a9ea6", "#3f4248")
            if dark
            else ("#ffffff", "#f3f4f6", "#1b1c1f", "#6c7079", "#d5d8dd")
        )

    def words(self, least: int, most: int) -> str:
        chosen = [self.random.choice(WORDS) for _ in range(self.random.randint(least, most))]
        return html.escape(" ".join(chosen).capitalize())

    def paragraph(self, sentences: int) -> str:
        return " ".join(self.words(6, 14) + "." for _ in range(sentences))

    def number(self, most: int) -> str:
        return f"{self.random.uniform(0, most):,.2f}"

    def colour(self) -> str:
        return f"hsl({self.random.randrange(360)} {self.random.randint(35, 80)}% {self.random.randint(35, 65)}%)"

    def window(self, title: str, body: str) -> str:
        """Put a window's title bar above a body."""
        return (
            f"<div style='display:flex;justify-content:space-between;padding:8px 14px;background:{self.raised};"
            f"border-bottom:1px solid {self.line}'><b>{title}</b><span>{self.style.buttons}</span></div>{body}"
        )


def spreadsheet(w: Writer) -> str:
    letters = "ABCDEFGHIJKLMNOPQR"
    head = "".join(f"<th>{letter}</th>" for letter in letters)
    rows = "".join(
        f"<tr><th>{row}</th>"
        + "".join(f"<td>{w.words(1, 2) if column % 5 == 0 else w.number(9000)}</td>" for column in range(18))
        + "</tr>"
        for row in range(1, 60)
    )
    css = (
        f"<style>table{{border-collapse:collapse;font-size:12px}}td,th{{border:1px solid {w.line};padding:2px 8px;"
        f"text-align:right;white-space:nowrap}}th{{background:{w.raised};font-weight:400}}</style>"
    )
    return w.window(w.words(1, 2) + ".xlsx", f"{css}<table><tr><th></th>{head}</tr>{rows}</table>")


def mail(w: Writer) -> str:
    items = "".join(
        f"<div style='padding:9px 14px;border-bottom:1px solid {w.line};"
        + (f"background:{w.style.accent};color:#fff" if index == 2 else "")
        + f"'><b>{w.words(2, 2)}</b><br>{w.words(3, 4)}<br><span style='opacity:.7'>{w.words(5, 6)}</span></div>"
        for index in range(20)
    )
    text = "".join(f"<p>{w.paragraph(4)}</p>" for _ in range(6))
    return w.window(
        "Inbox",
        f"<div style='display:flex'><div style='width:300px;background:{w.raised}'>{items}</div>"
        f"<div style='flex:1;padding:24px'><h2>{w.words(3, 5)}</h2><hr style='border-color:{w.line}'>{text}</div></div>",
    )


def code(w: Writer) -> str:
    def line() -> str:
        indent = "&nbsp;" * 4 * w.random.randint(0, 3)
        parts = [
            f"<span style='color:{w.colour()}'>{w.random.choice(WORDS)}</span>" for _ in range(w.random.randint(1, 7))
        ]
        return indent + w.random.choice(("_", ".", " = ", "(", ", ")).join(parts)

    lines = "".join(f"<div><span style='opacity:.4'>{number:4} </span>{line()}</div>" for number in range(1, 90))
    side = "".join(f"<div style='padding:3px 16px'>{w.words(1, 2)}.py</div>" for _ in range(26))
    return w.window(
        "editor",
        f"<div style='display:flex'><div style='width:190px;background:{w.raised}'>{side}</div><div style="
        f"'flex:1;font:13px/1.5 \"Fira Code\",monospace;padding:8px'>{lines}</div></div>",
    )


def terminal(w: Writer) -> str:
    lines = "".join(
        f"<div><span style='color:{w.style.accent}'>user@host</span>:~$ {w.words(2, 4).lower()}</div>"
        + "".join(f"<div>-rw-r--r-- 1 user user {w.number(90000):>12} {w.words(1, 3).lower()}</div>" for _ in range(5))
        for _ in range(16)
    )
    ground = "#300a24" if w.style.name == "gnome" and w.dark else w.ground
    css = f'background:{ground};padding:8px;height:100vh;font:14px/1.4 "DejaVu Sans Mono",monospace'
    return w.window("terminal", f"<div style='{css}'>{lines}</div>")


def chat(w: Writer) -> str:
    def bubble() -> str:
        own = w.random.random() < 0.5
        ground, ink = (w.style.accent, "#fff") if own else (w.raised, w.ink)
        css = f"max-width:70%;margin:5px 12px;padding:9px 14px;border-radius:{w.style.radius}px"
        css += f";background:{ground};color:{ink}"
        text, time = w.words(2, 18), f"{w.random.randint(10, 23)}:{w.random.randint(10, 59)}"
        return (
            f"<div style='display:flex;justify-content:{'end' if own else 'start'}'><div style='{css}'>{text} "
            f"<span style='font-size:11px;opacity:.6'>{time}</span></div></div>"
        )

    head = (
        f"<div style='padding:16px;background:{w.raised};border-bottom:1px solid {w.line}'><b>{w.words(2, 2)}</b></div>"
    )
    return head + "".join(bubble() for _ in range(40))


def preferences(w: Writer) -> str:
    def row(index: int) -> str:
        on = w.random.random() < 0.5
        knob = f"display:block;width:22px;height:22px;margin:2px {'20px' if on else '2px'};border-radius:11px;background:#fff"
        track = f"width:44px;height:26px;border-radius:13px;background:{w.style.accent if on else w.line}"
        line = f"display:flex;align-items:center;gap:14px;padding:13px 18px;border-bottom:1px solid {w.line}"
        line += f";background:{w.raised}"
        icon = f"width:28px;height:28px;border-radius:7px;background:{w.colour()}"
        gap = f"<div style='height:26px;background:{w.ground}'></div>" if index % 4 == 3 else ""
        return (
            f"<div style='{line}'><span style='{icon}'></span><span style='flex:1'>{w.words(1, 3)}</span>"
            f"<span style='{track}'><span style='{knob}'></span></span></div>{gap}"
        )

    return f"<h1 style='padding:18px'>Settings</h1>{''.join(row(index) for index in range(22))}"


def article(w: Writer) -> str:
    blocks = "".join(f"<h2>{w.words(3, 7)}</h2><p>{w.paragraph(5)}</p><p>{w.paragraph(4)}</p>" for _ in range(6))
    css = 'max-width:820px;margin:auto;padding:20px;font:17px/1.6 "Liberation Serif",serif'
    return (
        f"<div style='background:{w.style.accent};color:#fff;padding:14px 8%'>{w.words(6, 6)}</div>"
        f"<div style='{css}'><h1>{w.words(4, 7)}</h1>{blocks}</div>"
    )


def shop(w: Writer) -> str:
    cards = "".join(
        f"<div style='border:1px solid {w.line};border-radius:{w.style.radius}px;padding:12px'><div style='height:90px;"
        f"border-radius:6px;background:linear-gradient({w.random.randrange(360)}deg,{w.colour()},{w.colour()})'></div>"
        f"<p><b>{w.words(2, 3)}</b><br>{w.words(5, 9)}</p><button style='background:{w.style.accent};color:#fff;border:0;"
        f"padding:8px 14px;border-radius:{w.style.radius}px'>{w.words(1, 2)}</button></div>"
        for _ in range(24)
    )
    return (
        "<div style='display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:16px;padding:20px'>"
        f"{cards}</div>"
    )


def paper(w: Writer) -> str:
    rows = "".join(
        f"<tr><td>{w.words(2, 4)}</td><td>{w.random.randint(1, 40)}</td><td>{w.number(4000)}</td></tr>"
        for _ in range(9)
    )
    text = "".join(f"<p>{w.paragraph(5)}</p>" for _ in range(4))
    css = 'background:#fff;color:#111;max-width:760px;margin:auto;padding:64px;font:15px/1.45 "Liberation Serif",serif'
    table = f"<table width=100% border=1 cellpadding=5 style='border-collapse:collapse'>{rows}</table>"
    return (
        f"<div style='background:{'#525659' if w.dark else '#e3e5e8'};padding:24px'><div style='{css}'>"
        f"<h2>{w.words(2, 4)}</h2><p style='text-align:right'>{w.words(4, 5)}</p>{text}{table}{text}</div></div>"
    )


def town(w: Writer) -> str:
    """Draw a street map."""
    land, water, park, road, ink = (
        ("#242f3e", "#17263c", "#263c3f", "#38414e", "#9ca5b3")
        if w.dark
        else ("#f2efe9", "#aad3df", "#c8facc", "#ffffff", "#333")
    )
    shapes = [f"<rect width=1920 height=2400 fill='{land}'/>"]
    shapes.append(
        f"<path d='M0 300 C500 {w.random.randint(100, 700)} 900 500 1920 250 V420 C900 700 500 500 0 480Z' fill='{water}'/>"
    )
    for _ in range(14):
        x, y = w.random.randrange(1900), w.random.randrange(2300)
        shapes.append(
            f"<rect x={x} y={y} width={w.random.randint(60, 240)} height={w.random.randint(60, 200)} fill='{park}'/>"
        )
    for index in range(56):
        x, y, slope = w.random.randrange(-300, 1900), w.random.randrange(-300, 2400), w.random.choice((0, 40, -70, 900))
        wide = 14 if index % 7 == 0 else 5
        shapes.append(f"<path d='M{x} {y} l1400 {slope}' stroke='#8888' stroke-width={wide + 2} fill=none />")
        shapes.append(
            f"<path d='M{x} {y} l1400 {slope}' stroke='{'#fcd6a4' if wide == 14 else road}' stroke-width={wide} />"
        )
        shapes.append(f"<text x={x + 200} y={y + 9} fill='{ink}' font-size=13>{w.words(1, 2)}</text>")
    pin = f"<circle cx=640 cy=380 r=14 fill='{w.style.accent}' stroke='#fff' stroke-width=4 />"
    return f"<svg width=1920 height=2400 style='display:block'>{''.join(shapes)}{pin}</svg>"


def diagram(w: Writer) -> str:
    """Draw boxes, arrows and a chart."""
    shapes = []
    for index in range(18):
        x, y = 60 + index % 3 * 330, 50 + index // 3 * 170
        box = f"x={x} y={y} width=190 height=84 rx={w.style.radius} fill='{w.colour()}' stroke='{w.ink}'"
        shapes.append(f"<rect {box} /><text x={x + 14} y={y + 48} fill='#fff'>{w.words(2, 2)}</text>")
        shapes.append(f"<path d='M{x + 190} {y + 42} h140' stroke='{w.ink}' stroke-width=2 />")
    for bar in range(18):
        high = w.random.randint(40, 560)
        shapes.append(f"<rect x={1040 + bar * 40} y={700 - high} width=28 height={high} fill='{w.style.accent}'/>")
    curve = " ".join(f"{1040 + step * 40},{w.random.randint(120, 660)}" for step in range(18))
    line = f"<polyline points='{curve}' fill=none stroke='#e5484d' stroke-width=3 />"
    return f"<svg width=1900 height=2400>{''.join(shapes)}{line}</svg>"


PAGES: dict[str, Callable[[Writer], str]] = {
    "spreadsheet": spreadsheet, "mail": mail, "code": code, "terminal": terminal, "chat": chat, "settings": preferences,
    "article": article, "shop": shop, "document": paper, "map": town, "diagram": diagram,
}  # fmt: skip


def page(kind: str, style: str, dark: bool, seed: int, photos: tuple[str, ...] = ()) -> str:
    """Return the HTML of a page; `news` is an article with the photos of these addresses, of which there must be three."""
    w = Writer(STYLES[style], dark, seed)
    if kind == "news":
        columns = "".join(
            f"<div><img src='{address}' style='width:100%;height:{220 if index else 420}px;object-fit:cover'>"
            f"<h2>{w.words(5, 9)}</h2><p>{w.paragraph(3)}</p></div>"
            for index, address in enumerate(photos)
        )
        body = f"<div style='max-width:1000px;margin:auto;padding:16px'><h1>{w.words(2, 3)}</h1>{columns}</div>"
    else:
        body = PAGES[kind](w)
    return (
        f"<!doctype html><meta charset=utf-8><style>body{{margin:0;background:{w.ground};color:{w.ink};font:14px/1.45 "
        f"{w.style.font},sans-serif;overflow:hidden}}</style>{body}"
    )
