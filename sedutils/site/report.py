"""Executed notebooks as web pages, and the index over them.

A page takes its text from the notebook and its results from the executed copy, needs nothing beside
itself (style, players, figures and equations are inside) and is the same bytes for the same input.
"""

import ast
import copy
import re
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

import nbformat
import yaml
from bs4 import BeautifulSoup
from jinja2 import pass_context
from nbconvert import HTMLExporter

from sedutils.pipeline import files
from sedutils.show import markup
from sedutils.show.player import page

TEMPLATE = """
{%- extends 'basic/index.html.j2' -%}
{%- block input -%}
{%- set tags = cell.metadata.get('tags', []) -%}
<details class="code"><summary>
{{- 'Settings' if 'injected-parameters' in tags or 'parameters' in tags else 'Code' -}}
</summary>{{ cell.source | highlight_code(metadata=cell.metadata) }}</details>
{%- endblock input -%}
"""
ORIGIN = re.compile(
    r"^Paper:[ \t]*(?P<paper>[\w-]+)[ \t]*(?:·[ \t]*(?P<section>.+?))?[ \t]*$", re.M
)
OVER_ALL = {
    "comparison": "All five papers: every system on one corpus"
}  # what is no paper's chapter
# A sentence on every page of a size whose numbers are no results
WARNINGS = {
    "quick": "Size quick: these numbers mean nothing; it only shows that everything runs.",
}
HEADING = re.compile(r'<h2 id="(?P<id>[^"]+)">(?P<text>.*?)<a class="anchor-link"', re.S)


@dataclass(frozen=True)
class Entry:
    """A page in the index; settings: its run's parameters as (name, value) pairs.

    While a run goes: state is what it has done about the page, made is whether there is one to open.
    """

    href: str
    title: str
    summary: str = ""
    paper: str = ""
    section: str = ""
    settings: tuple = ()
    state: str = ""
    made: bool = True

    @property
    def warning(self):
        """What a reader must know of the size of the run; empty for most."""
        return WARNINGS.get(dict(self.settings).get("size"), "")

    @property
    def run(self):
        """What the index groups by inside a paper: size and corpus."""
        given = dict(self.settings)
        words = (f"{given['size']} size" if "size" in given else "", given.get("corpus", ""))
        return " · ".join(str(word) for word in words if word)


def with_text(source, executed, *, name="notebook"):
    """The notebook `source` with the outputs of `executed`, its code-only copy that was run.

    Raises ValueError, naming the cell, where their code differs: the run is then another one.
    """
    runs = [c for c in executed.cells if c.cell_type == "code"]
    injected = [c for c in runs if "injected-parameters" in _tags(c)]
    done = [c for c in runs if c not in injected]
    wanted = sum(c.cell_type == "code" for c in source.cells)
    if len(done) != wanted:
        raise ValueError(f"{name}: {wanted} code cells, {len(done)} of them executed; run it again")
    cells, left = [], enumerate(done, start=1)
    for cell in source.cells:
        if cell.cell_type != "code":
            cells.append(copy.deepcopy(cell))
            continue
        number, run = next(left)
        if run.source != cell.source:
            raise ValueError(f"{name}: code cell {number} is not the executed one; run it again")
        cells.append(copy.deepcopy(run))
        if "parameters" in _tags(run):
            cells += copy.deepcopy(injected)
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"  # ids of the two notebooks may meet
    return nbformat.from_dict({**executed, "cells": cells})


def export(nb, title, *, note="", warning="", papers=None, home="index.html", footer=""):
    """A notebook with its outputs as a page: code folded, equations as SVG, everything inlined.

    note: provenance, printed above the title, as is the warning. home: address of the index, empty for no link.
    papers: paper key -> full name.
    Raises ValueError for an address that would be fetched, or TeX that is not understood.
    """
    nb = copy.deepcopy(nb)
    nb.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    _describe_images(nb)
    _set_origin(nb, papers or {})
    if any("injected-parameters" in _tags(c) for c in nb.cells):  # then the defaults only confuse
        nb.cells = [c for c in nb.cells if "parameters" not in _tags(c)]
    body, _ = _Exporter(raw_template=TEMPLATE).from_notebook_node(nb)
    body = re.sub(r"<style scoped(?:=\"\")?>.*?</style>", "", body, flags=re.S)
    body = re.sub(r"<table\b.*?</table>", lambda found: markup.table(found[0]), body, flags=re.S)
    headings = list(HEADING.finditer(body))
    items = "".join(f'<li><a href="#{h["id"]}">{h["text"]}</a></li>' for h in headings)
    toc = (
        f'<nav class="toc" aria-label="Sections"><ol>{items}</ol></nav>'
        if len(headings) > 2
        else ""
    )
    top = f'<p class="home"><a href="{escape(home)}">All reports</a></p>' if home else ""
    note = _boxes(warning=warning, note=note)
    foot = f"<footer>{escape(footer)}</footer>" if footer else ""
    html = page(title, f"{toc}<main>{top}{note}\n{body}\n{foot}</main>")
    if found := markup.remote(html):
        raise ValueError(f"{title}: the page would fetch {found}")
    return html


def index(entries, *, title="Reports", lead="", note="", progress="", links=(), papers=None):
    """The page over all pages: a section a paper, in it a table a run (size and corpus).

    lead, note: what this is, and where the sound came from. progress: how far a run is.
    links: (text, address) pairs.
    papers: paper key -> full name. Order of papers, runs and pages is that of `entries`.
    """
    papers = papers or {}
    order = {e.paper: i for i, e in reversed(list(enumerate(entries)))}
    parts = [f"<h1>{escape(title)}</h1>"]
    parts += [f'<p class="lead">{escape(lead)}</p>'] if lead else []
    warnings = dict.fromkeys(e.warning for e in entries)
    parts.append(_boxes(warning=" ".join(filter(None, warnings)), progress=progress, note=note))
    if links:
        items = "".join(f'<li><a href="{escape(a)}">{escape(t)}</a></li>' for t, a in links)
        parts.append(f'<ul class="links">{items}</ul>')
    if not entries:
        parts.append("<p>Nothing has been run yet.</p>")
    ranked = sorted(entries, key=lambda e: (order[e.paper], e.run))
    for paper, of_paper in groupby(ranked, key=lambda e: e.paper):
        name = papers.get(paper, paper) or "Other pages"
        parts.append(f'<section><h2 id="{escape(paper)}">{escape(name)}</h2>')
        for run, of_run in groupby(of_paper, key=lambda e: e.run):
            parts.append(f"<h3>{escape(run)}</h3>" if run else "")
            parts.append(f'<ul class="pages">{"".join(map(_item, of_run))}</ul>')
        parts.append("</section>")
    return page(title, f'<main class="index">{"".join(parts)}</main>')


def build(
    notebooks_dir,
    executed_dir,
    reports_dir,
    *,
    published="data/published",
    title="Reports",
    lead="",
    note="",
    links=(),
    costs=None,
):
    """Write every executed notebook with its text, as notebook and as page, then index.html; return the pages.

    `<name>@<key>.ipynb` is the run of `<name>.ipynb`; a leading number orders the index and is left
    out of the page's name: 30_train@laptop-main.ipynb becomes pages/train-laptop-main.html.
    costs: stage -> what it took when last measured, for the foot of its page.
    Raises FileNotFoundError without the notebook, ValueError where code and run differ.
    """
    reports, entries, written = Path(reports_dir), [], {}
    papers = names(published)
    found = sorted(Path(executed_dir).glob("*.ipynb"))
    for path in (p for p in found if not p.stem.endswith(".partial")):
        if (href := address(path.stem)) in written:
            raise ValueError(f"{path.name}: its page {href} is taken by {written[href]}")
        entry = write_page(path, notebooks_dir, reports, papers=papers, note=note, costs=costs)
        entries.append(entry)
        written[href] = path.name
    overview = index(entries, title=title, lead=lead, note=note, links=links, papers=papers)
    files.write_text(reports / "index.html", overview)
    return [reports / name for name in (*written, "index.html")]


def address(stem):
    """The page of an executed notebook, seen from the index."""
    return f"pages/{re.sub(r'[^0-9A-Za-z]+', '-', re.sub(r'^[0-9]+[_-]', '', stem))}.html"


def write_page(path, notebooks_dir, reports, *, papers, note="", costs=None):
    """Write an executed notebook with its text, as notebook and as page; return its entry in the index.

    Raises as `build` does.
    """
    name, _, key = path.stem.partition("@")
    source = Path(notebooks_dir) / f"{name}.ipynb"
    if not source.is_file():
        raise FileNotFoundError(f"{path.name}: there is no {source.name} in {notebooks_dir}")
    nb = with_text(nbformat.read(source, 4), nbformat.read(path, 4), name=source.name)
    files.write_text(reports / "notebooks" / path.name, nbformat.writes(nb) + "\n")
    entry = entry_of(nb, path.stem)
    footer = f"Made from notebooks/{source.name}, run {key}."
    if cost := (costs or {}).get(re.sub(r"^[0-9]+_", "", name)):
        footer += f" {cost}"
    about = {"note": note, "warning": entry.warning, "papers": papers, "footer": footer}
    made = export(nb, entry.title, home="../index.html", **about)
    files.write_text(reports / entry.href, made)
    return entry


class _Exporter(HTMLExporter):
    """nbconvert's exporter without prompts, with our markdown."""

    exclude_input_prompt = True
    exclude_output_prompt = True

    @pass_context
    def markdown2html(self, context, source):
        attachments = context.get("cell", {}).get("attachments", {})
        return markup.markdown(source, attachments=attachments)


def _tags(cell):
    return cell.metadata.get("tags", [])


def _describe_images(nb):
    """Give every figure an alt text: its own, or the heading it stands under."""
    heading = "the results"
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            heading = (re.findall(r"^#+ (.+)$", cell.source, re.M) or [heading])[-1]
        for output in cell.get("outputs", []):
            for kind in {"image/png", "image/jpeg"} & set(output.get("data", {})):
                about = output.metadata.setdefault(kind, {})
                about.setdefault("alt", f"Figure: {heading.replace('`', '')}")


def _set_origin(nb, papers):
    """Turn the `Paper:` line of the first cell into a line that reads well."""
    first = nb.cells[0] if nb.cells else None
    if first is None or first.cell_type != "markdown":
        return
    settings = [f"{name} {value}" for name, value in _settings(nb)]

    def line(found):
        words = [
            w
            for w in (papers.get(found["paper"], found["paper"]), found["section"], *settings)
            if w
        ]
        return f'<p class="origin">{escape(" · ".join(words))}</p>'

    first.source = ORIGIN.sub(line, first.source)


def _settings(nb):
    """(name, value) of the parameters the notebook ran with, in their order there."""
    values = {}
    for cell in nb.cells:
        if {"parameters", "injected-parameters"} & set(_tags(cell)):
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                    values[node.targets[0].id] = node.value.value
    return tuple(values.items())


def entry_of(nb, stem):
    """What the index says about a notebook that was run under a name, from its first cell and its parameters."""
    text = nb.cells[0].source if nb.cells and nb.cells[0].cell_type == "markdown" else ""
    origin = ORIGIN.search(text)
    title = re.search(r"^# (.+)$", text, re.M)
    body = ORIGIN.sub("", text[title.end() :] if title else text).strip()
    return Entry(
        href=address(stem),
        title=title[1].strip() if title else stem,
        summary=" ".join(body.split("\n\n")[0].split()),
        paper=origin["paper"] if origin else "",
        section=(origin["section"] or "") if origin else "",
        settings=_settings(nb),
    )


def _item(entry):
    """One line of the index."""
    rest = [f"{k} {v}" for k, v in entry.settings if k not in ("size", "corpus")]
    about = " · ".join(escape(w) for w in (entry.section, *rest) if w)
    if entry.state:
        about += f"{' · ' if about else ''}<b>{escape(entry.state)}</b>"
    title = escape(entry.title)
    link = f'<a href="{escape(entry.href)}">{title}</a>' if entry.made else f"<b>{title}</b>"
    summary = BeautifulSoup(markup.markdown(entry.summary), "html.parser")
    words = summary.p.decode_contents() if summary.p else ""
    return f'<li>{link}<span class="about">{about}</span><p>{words}</p></li>'


def _boxes(**texts):
    """Paragraphs that stand out, each of the class it is named by; none for an empty text."""
    kinds = {name: "note" if name == "note" else f"note {name}" for name in texts}
    return "".join(f'<p class="{kinds[n]}">{escape(t)}</p>' for n, t in texts.items() if t)


def names(published):
    """Key -> full name: of papers from the `paper` section of the published files that are there."""
    names = dict(OVER_ALL)
    for path in sorted(Path(published).glob("*.yaml")):
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}
        about = content.get("paper", {})
        names[path.stem] = about.get("short") or about.get("title") or path.stem
    return names
