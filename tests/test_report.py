import re

import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sedutils.show import markup
from sedutils.show.player import player
from sedutils.site import report

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
FIRST = "# A **short** title\n\nCRNN is best with $F_1 = 0.6$.\n\nMore.\n\nPaper: cakir2017_crnn · Table II"


def code(source, *outputs, tags=()):
    cell = new_code_cell(source, metadata={"tags": list(tags)})
    cell["outputs"] = list(outputs)
    return cell


def shown(**data):
    return new_output("display_data", data={k.replace("_", "/"): v for k, v in data.items()})


def table():
    frame = pd.DataFrame(
        {
            "system": ["CNN", "CRNN"],
            "F1": ["0.561 ± 0.007", "<b>0.612 ± 0.006</b>"],
            "n": [3, np.nan],
        }
    )
    return frame.to_html(escape=False)


def sound():
    rows = {"annotation": pd.DataFrame([(0, 1, "rain")], columns=["onset_s", "offset_s", "label"])}
    return player(np.zeros(22050), 22050, rows=rows, features=np.zeros((50, 4)))


@pytest.fixture
def source():
    cells = [
        new_markdown_cell(FIRST),
        code('size = "laptop"\nseed = 1', tags=["parameters"]),
        new_markdown_cell(
            "## The metric\n\n$$ \\frac{a}{b} $$\n\n\\begin{align} x &= 1 \\end{align}"
        ),
        code("frame"),
        new_markdown_cell("## Curves `x`"),
        code("plots.curves();"),
        new_markdown_cell("## Listen"),
        code("listen(1)"),
        code("listen(2)"),
    ]
    return new_notebook(cells=cells)


@pytest.fixture
def executed():
    scoped = f"<div><style scoped>.dataframe tr {{ color: red }}</style>{table()}</div>"
    cells = [
        code('size = "laptop"\nseed = 1', tags=["parameters"]),
        code('# Parameters\nsize = "paper"', tags=["injected-parameters"]),
        code("frame", new_output("stream", name="stdout", text="a < b\n"), shown(text_html=scoped)),
        code("plots.curves();", shown(image_png=PIXEL, text_plain="<Figure>")),
        code("listen(1)", shown(text_html=sound())),
        code("listen(2)", shown(text_html=sound())),
    ]
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"
    return new_notebook(cells=cells)


@pytest.fixture
def html(source, executed):
    return report.export(report.with_text(source, executed), "A title")


def test_text_and_outputs_come_together(source, executed):
    merged = report.with_text(source, executed)
    assert [c.cell_type[0] for c in merged.cells] == list("mccmcmcmcc")
    assert merged.cells[4].outputs and "injected-parameters" in merged.cells[2].metadata.tags
    assert len({c["id"] for c in merged.cells}) == len(merged.cells)


def test_other_code_is_an_error(source, executed):
    source.cells[5].source = "plots.other();"
    with pytest.raises(ValueError, match=r"^40_crnn.ipynb: code cell 3 is not the executed one"):
        report.with_text(source, executed, name="40_crnn.ipynb")
    del executed.cells[-1]
    with pytest.raises(ValueError, match="5 code cells, 4 of them executed"):
        report.with_text(source, executed)


def test_same_bytes_twice(source, executed, html):
    assert report.export(report.with_text(source, executed), "A title") == html


def test_nothing_is_fetched(html):
    bare = re.sub(r"base64,[\w+/=]+", "", html)
    assert "http" not in bare
    soup = BeautifulSoup(html, "html.parser")
    assert not soup.select("link, script[src], iframe")
    assert all(tag["src"].startswith("data:") for tag in soup.select("[src]"))


@pytest.mark.parametrize(
    "bad",
    [
        '<img src="https://example.org/x.png">',
        '<script src="//example.org/x.js"></script>',
        "<style>@import url(https://example.org/x.css);</style>",
        '<p style="background: url(http://example.org/x.png)">x</p>',
        '<script>import("https://example.org/x.js")</script>',
        "<link rel='stylesheet' href='http://example.org/x.css'>",
        '<svg><image href="http://example.org/x.png"/></svg>',
    ],
)
def test_a_remote_address_is_an_error(source, executed, bad):
    executed.cells[2].outputs.append(shown(text_html=bad))
    with pytest.raises(ValueError, match=r"A title: the page would fetch .*example\.org"):
        report.export(report.with_text(source, executed), "A title")


def test_links_and_code_may_have_addresses(source, executed):
    source.cells[4].source += "\n\nSee [the paper](https://example.org)."
    source.cells[3].source = executed.cells[2].source = 'get("https://example.org")  # url(//a.b)'
    html = report.export(report.with_text(source, executed), "A title")
    assert 'href="https://example.org"' in html


def test_equations_are_pictures(html):
    soup = BeautifulSoup(html, "html.parser")
    drawn = soup.select("svg.tex")
    assert [svg["aria-label"] for svg in drawn] == [
        "F_1 = 0.6", r"\frac{a}{b}", r"\begin{align*} x &= 1 \end{align*}"
    ]  # fmt: skip
    assert all(svg.select("path") and not svg.select("[id]") for svg in drawn)
    assert "vertical-align" in drawn[0]["style"] and "vertical-align" not in drawn[1]["style"]
    assert "$" not in soup.main.get_text().replace("$(", "")


def test_equation_not_understood_is_one_line():
    with pytest.raises(ValueError, match="equation not understood: ") as error:
        markup.equation(r"\begin{nothing} x")
    assert "\n" not in str(error.value)


def test_code_is_folded(html):
    soup = BeautifulSoup(html, "html.parser")
    folded = soup.select("details.code")
    assert [f.summary.get_text() for f in folded] == ["Settings", *["Code"] * 4]
    assert not soup.select("details[open]") and 'size = "paper"' in folded[0].get_text()
    assert all(pre.find_parent("details") for pre in soup.select(".highlight pre"))
    assert "a < b" in soup.select_one(".output_stdout pre").get_text()


def test_tables(html):
    soup = BeautifulSoup(html, "html.parser")
    made = soup.select_one("div.table > table")
    kinds = [
        [" ".join(c.get("class", [])) for c in row.select("th, td")] for row in made.select("tr")
    ]
    assert all(row[1:] == ["", "number", "number"] for row in kinds)
    assert soup.select_one("td b").get_text() == "0.612 ± 0.006"
    assert "border" not in made.attrs and "style scoped" not in html


def test_spanning_rows_do_not_shift_columns():
    index = pd.MultiIndex.from_product([["laptop", "paper"], ["CNN", "CRNN"]])
    frame = pd.DataFrame({"F1": [0.1, 0.2, 0.3, 0.4], "who": list("abcd")}, index=index)
    made = BeautifulSoup(markup.table(frame.to_html()), "html.parser")
    for row in made.select("tbody tr"):
        number, who = row.select("td")
        assert number.get("class") == ["number"] and who.get("class") is None


def test_figures_have_words(html):
    images = BeautifulSoup(html, "html.parser").select("img")
    assert [i["alt"] for i in images] == ["Figure: Curves x", "Spectrogram", "Spectrogram"]


def test_players_share_one_script(html):
    assert html.count("window.sedPlayer = true") == 1
    assert html.count('class="sed-player"') == 2


def test_heading_and_sections(html):
    soup = BeautifulSoup(html, "html.parser")
    origin = soup.select_one("p.origin").get_text()
    assert origin == "cakir2017_crnn · Table II · size paper · seed 1"
    targets = [a["href"][1:] for a in soup.select("nav.toc a")]
    assert len(targets) == 3 and all(soup.find(id=t) for t in targets)


def test_index_groups_by_paper_then_run():
    def entry(href, paper, size, corpus="a"):
        settings = (("size", size), ("corpus", corpus), ("family", "main"))
        return report.Entry(href, f"<{href}>", "Best *of* all.", paper, "Table II", settings)

    entries = [entry("x.html", "b", "paper"), entry("y.html", "a", "laptop"),
               entry("z.html", "b", "laptop"), entry("w.html", "b", "paper")]  # fmt: skip
    made = report.index(
        entries, note="Made <here>.", links=[("README", "../README.md")], papers={"b": "Bee 2017"}
    )
    soup = BeautifulSoup(made, "html.parser")
    assert [h.get_text() for h in soup.select("h2")] == ["Bee 2017", "a"]
    first = soup.select_one("section")
    assert [h.get_text() for h in first.select("h3")] == ["laptop size · a", "paper size · a"]
    assert [a["href"] for a in first.select("li > a")] == ["z.html", "x.html", "w.html"]
    assert first.li.a.get_text() == "<z.html>" and first.li.em.get_text() == "of"
    assert first.select_one(".about").get_text() == "Table II · family main"
    assert soup.select_one(".note").get_text() == "Made <here>."
    assert made == report.index(
        entries, note="Made <here>.", links=[("README", "../README.md")], papers={"b": "Bee 2017"}
    )
    assert "Nothing has been run yet" in report.index([])


def test_build(tmp_path, source, executed):
    for folder in ("notebooks", "executed", "published"):
        (tmp_path / folder).mkdir()
    nbformat.write(source, tmp_path / "notebooks/40_crnn_main.ipynb")
    nbformat.write(executed, tmp_path / "executed/40_crnn_main@paper-a.ipynb")
    (tmp_path / "executed/40_crnn_main@x.partial.ipynb").write_text("half")
    (tmp_path / "published/cakir2017_crnn.yaml").write_text("paper: {short: Cakir 2017}\n")
    folders = [tmp_path / name for name in ("notebooks", "executed", "reports")]
    options = {
        "published": tmp_path / "published",
        "note": "Procedural sound.",
        "costs": {"crnn_main": "It took 7 s."},
    }
    made = report.build(*folders, **options)
    assert [p.name for p in made] == ["crnn-main-paper-a.html", "index.html"]
    first = [p.read_bytes() for p in made]
    text = first[0].decode()
    assert "Cakir 2017 · Table II" in text and "Procedural sound." in text
    assert "crnn-main-paper-a.html" in first[1].decode() and "Cakir 2017" in first[1].decode()
    assert str(tmp_path) not in text
    assert text.count("It took 7 s.") == 1
    report.build(*folders, **options)
    assert [p.read_bytes() for p in made] == first

    nbformat.write(source, tmp_path / "notebooks/50_crnn-main.ipynb")
    nbformat.write(executed, tmp_path / "executed/50_crnn-main@paper-a.ipynb")
    with pytest.raises(ValueError, match=r"crnn-main-paper-a.html is taken by 40_crnn_main"):
        report.build(*folders)
    (tmp_path / "notebooks/40_crnn_main.ipynb").unlink()
    with pytest.raises(FileNotFoundError, match=r"there is no 40_crnn_main.ipynb"):
        report.build(*folders)
