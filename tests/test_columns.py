"""A described table: what stands in its cells, and which of them are bold."""

import re

import numpy as np
import pandas as pd

from sedutils.papers.cakir2017 import page
from sedutils.show.columns import Column, html, markdown, plain_html, spread


def cells(found: str) -> list[list[str]]:
    """Rows of cells, bold ones still marked."""
    rows = re.findall(r"<tr.*?</tr>", found, re.S)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]


def test_bold_is_the_best_and_what_lies_within_its_deviation():
    table = pd.DataFrame(
        {
            "method": ["A", "B", "C", "oracle"],
            "F1_mean": [50.0, 49.5, 40.0, 99.0],
            "F1_std": [0.6, 0.1, 0.1, 0.1],
            "ER_mean": [0.5, 0.4, 0.404, 0.1],
        }
    )
    columns = [
        Column("method"),
        Column("F1", better="max", within=True),
        Column("ER", better="min", digits=2),
    ]
    rows = cells(html(table, columns, among=table.method != "oracle"))
    assert [["<strong>" in cell for cell in row[1:]] for row in rows[1:]] == [
        [True, False],
        [True, True],
        [False, True],  # equal as printed is equal
        [False, False],  # does not compete
    ]


def test_table_3_prints_the_best_in_bold_and_what_the_paper_has():
    table = pd.DataFrame(
        {
            "class": ["rain", "chainsaw", "gun_shot"],
            "cnn_mean": [60.0, 10.04, 0.0],
            "cnn_std": [1.0, np.nan, 0.0],
            "crnn_mean": [70.26, 5.0, 0.0],
            "crnn_std": [2.0, 1.0, 0.0],
            "paper_cnn": [71.0, np.nan, 69.0],
        }
    )
    found = cells(html(table, page.table3(["cnn", "crnn"])))
    assert found == [
        ["class", "CNN", "paper", "CRNN"],
        ["rain", "60.0 ± 1.0", "71", "<strong>70.3 ± 2.0</strong>"],
        ["chainsaw", "<strong>10.0</strong>", "–", "5.0 ± 1.0"],
        ["gun shot", "0.0 ± 0.0", "69", "0.0 ± 0.0"],  # nobody is best at what nobody finds
    ]
    assert "paper" not in html(table.assign(paper_cnn=np.nan), page.table3(["cnn", "crnn"]))


def test_brackets_hold_the_papers_value_and_the_difference():
    table = pd.DataFrame(
        {
            "system": ["ours", "theirs", "alone"],
            "ER_mean": [0.5, np.nan, 0.25],
            "ER_std": [0.125, np.nan, np.nan],
            "ER_low": [0.25, np.nan, 0.0],
            "ER_high": [0.75, np.nan, 1.0],
            "paper_ER": [0.75, 0.3, np.nan],
            "ER_difference": [-0.25, np.nan, np.nan],
        }
    )
    column = Column("ER", digits=2, paper="brackets", interval=True)
    assert cells(html(table, [Column("system"), column])) == [
        ["system", "ER (paper)"],
        ["ours", "0.50 ± 0.12<br>[0.25, 0.75] (0.75, -0.25)"],
        ["theirs", "0.30"],
        ["alone", "0.25<br>[0.00, 1.00]"],
    ]
    other = table.drop(columns=["paper_ER", "ER_difference"])
    assert cells(html(other, [Column("system"), column]))[0] == ["system", "ER"]


def test_groups_of_columns_compete_each_by_itself():
    table = pd.DataFrame(
        {
            "system": ["a", "a", "b", "b", "c"],
            "class": ["dog", "cat_&_mouse", "dog", "cat_&_mouse", "dog"],
            "ER": [0.5, 0.7, 0.6, 0.2, 0.9],
            "F1": [10.0, 20.0, 30.0, 5.0, 1.0],
        }
    )
    error = Column("ER", better="min")
    found = cells(html(table, [Column("system"), error], across="class"))
    assert found == [
        ["ER", "dog", "cat &amp; mouse"],
        ["a", "<strong>0.5</strong>", "0.7"],
        ["b", "0.6", "<strong>0.2</strong>"],
        ["c", "0.9", "–"],
    ]
    two = cells(html(table, [Column("system"), error, Column("F1")], across="class"))
    assert two[:2] == [["", "dog", "cat &amp; mouse"], ["system", "ER", "F1", "ER", "F1"]]


def test_words_are_escaped_and_named_and_numbers_have_a_form():
    table = pd.DataFrame({"who": ["x<y", "b"], "share": [0.256, np.nan], "n": [12345, 2]})
    columns = [
        Column("who", names={"b": "the_b"}),
        Column("share", form="{:.0%}".format),
        Column("n", digits=0),
    ]
    found = cells(html(table, columns, strong=[False, True]))
    assert found[1:] == [
        ["x&lt;y", "26%", "12,345"],
        ["<strong>the b</strong>", "<strong>–</strong>", "<strong>2</strong>"],
    ]
    assert html(table, columns) == html(table.copy(), columns)  # nothing counted, nothing drawn
    assert "x&lt;y" in plain_html(table) and "0.3" in plain_html(table)


def test_a_number_with_and_without_its_spread():
    row = pd.Series({"F1_mean": 12.345, "F1_std": 1.26, "ER_mean": 0.345, "n": 3})
    assert spread(row, "F1") == "12.3 ± 1.3" and spread(row, "F1_mean") == "12.3"
    assert spread(row, "ER", 2) == "0.34" and spread(row, "n", 0) == "3"
    assert spread(row, "PSDS") == "–"


def test_markdown_has_a_line_a_row():
    assert markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
