"""Details of the reports' HTML: equations as SVG, tables that read well, no remote address."""

import re
import warnings
from html import escape, unescape

from bs4 import BeautifulSoup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

NUMBER = re.compile(r"[-+−±]?\s*[\d.,]*\d(\.\d*)?(e[-+]?\d+)?\s*(%|s|±.*|\(.*\))?|nan|[-–—]", re.I)
REMOTE = re.compile(
    r"<(?!a\b)[a-z]+\b[^>]*\s(?:src|srcset|href|data|poster)\s*=\s*[\"']?\s*(?:https?:)?//[^\s\"'>]*"
    r"|\bstyle\s*=\s*\"[^\"]*url\(\s*['\"]?(?:https?:)?//[^)\"]*",
    re.I,
)
INLINED = re.compile(r"(<(script|style)\b[^>]*>)(.*?)</\2>", re.S | re.I)


def markdown(text, *, attachments=None):
    """Markdown with TeX as HTML; raw HTML in it stays."""
    renderer = Renderer(escape=False, attachments=attachments)
    return MarkdownWithMath(renderer=renderer).render(text)


class Renderer(IPythonRenderer):
    """nbconvert's markdown renderer with equations drawn instead of left to a script."""

    def inline_math(self, body):
        return equation(body, inline=True)

    def block_math(self, body):
        return f'<span class="equation">{equation(body)}</span>'

    def latex_environment(self, name, body):
        plain = name.rstrip("*")
        if plain == "equation":
            return self.block_math(body)
        # unstarred they are numbered by a counter that would run on from page to page
        star = "*" if plain in ("align", "gather", "multline") else ""
        return self.block_math(f"\\begin{{{plain}{star}}}{body}\\end{{{plain}{star}}}")


def _draw(tex, **style):
    """TeX as (svg, descent in px), with every glyph a path of its own.

    Where ziafont shares glyphs as symbols they carry ids, which collide between equations.
    """
    with warnings.catch_warnings():
        # ziamath opens its fonts by a call that Python 3.11 alone calls deprecated
        warnings.filterwarnings("ignore", "path is deprecated", DeprecationWarning)
        import ziafont
        import ziamath
    before, ziafont.config.svg2 = ziafont.config.svg2, False
    try:
        drawn = ziamath.Latex(tex, color="currentColor", **style)
        return drawn.svg(), drawn.getyofst()
    except Exception as error:  # whatever its parser met
        raise ValueError(f"equation not understood: {tex} ({error})") from error
    finally:
        ziafont.config.svg2 = before


def equation(tex, *, inline=False):
    """TeX as SVG sized in em, standing on the line of the text around it and in its colour."""
    tex, size, margin = unescape(tex).strip(), 16, 1
    svg, descent = _draw(tex, size=size, inline=inline, margin=margin)
    width, height = (
        float(re.search(rf' {side}="([\d.]+)"', svg)[1]) for side in ("width", "height")
    )
    box = re.search(r'viewBox="[^"]+"', svg)[0]
    style = f"width:{width / size:.3f}em;height:{height / size:.3f}em"
    if inline:
        style += f";vertical-align:{(descent - margin) / size:.3f}em"
    label = escape(" ".join(tex.split()))
    inside = svg[svg.index(">") + 1 :]
    return f'<svg class="tex" role="img" aria-label="{label}" style="{style}" {box}>{inside}'


def table(html):
    """A table inside a box that scrolls, with every column of numbers set to the right."""
    made = BeautifulSoup(html, "html.parser").table
    made.attrs.pop("border", None)
    made.attrs.pop("style", None)
    columns = {}
    for row in made.select("tbody tr"):
        # counted from the right: row headers that span rows are missing on the left
        for i, cell in enumerate(reversed(row.find_all(["td", "th"], recursive=False))):
            columns.setdefault(i, []).append(cell)
    texts = {i: [c.get_text(strip=True) for c in cells] for i, cells in columns.items()}
    numeric = {i for i, column in texts.items() if _numeric(column)}
    for row in made.find_all("tr"):
        cells = row.find_all(["td", "th"], recursive=False)
        for i, cell in enumerate(reversed(cells)):
            cell.attrs.pop("style", None)
            if "colspan" in cell.attrs or any("colspan" in c.attrs for c in cells):
                cell["class"] = "span"
            elif i in numeric:
                cell["class"] = "number"
    return f'<div class="table">{made}</div>'


def _numeric(texts):
    """Whether most of a column's filled cells are numbers, with or without a spread or a unit."""
    filled = [text for text in texts if text]
    return bool(filled) and sum(bool(NUMBER.fullmatch(t)) for t in filled) > len(filled) / 2


def remote(html):
    """The first address that opening the page would fetch, else an empty string."""
    if found := REMOTE.search(INLINED.sub(r"\1", html)):
        return found[0][:120]
    for *_, content in INLINED.findall(html):
        if found := re.search(r"(?:https?:)?//[\w-]+\.[^\s\"')]*", content):
            return found[0][:120]
    return ""
