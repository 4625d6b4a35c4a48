"""A table as a reader sees it: described once, column by column, and written as HTML or Markdown.

The CSV holds ``<metric>_mean`` and ``<metric>_std`` over seeds, the paper's value in ``paper_<metric>``
(or its ``_mean`` and ``_std``), and on official data ``<metric>_difference``. A list of `Column` says which
of them are shown and how, and which way is better.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd

DASH = "–"


@dataclass(frozen=True)
class Column:
    """A column of a shown table.

    name : of a metric in the CSV, or of a column with one number or words
    title : its heading, else the name
    better : "max" or "min" prints the best in bold; equal as printed is equal, and nothing found is never best
    rivals : metrics that it competes with in each row; without, rows compete with each other
    within : whether what lies within one standard deviation of the best is bold, too
    paper : where the paper's value stands, "beside" in a column of its own or "brackets"
    paper_digits : decimals that the paper prints, if others
    interval : whether ``<name>_low`` and ``<name>_high`` stand below
    names : words in place of the values
    form : how a number is written, if not by its digits
    """

    name: str
    title: str = ""
    digits: int = 1
    better: str = ""
    rivals: tuple[str, ...] = ()
    within: bool = False
    paper: str = ""
    paper_digits: int | None = None
    interval: bool = False
    names: dict = field(default_factory=dict)
    form: Callable[[float], str] | None = None

    def quoted(self, table: pd.DataFrame, where: str) -> bool:
        """Whether the paper's values are to stand there, and are known."""
        known = table.filter(regex=f"^paper_{self.name}(_mean)?$").notna().any(axis=None)
        return self.paper == where and bool(known)

    def heading(self, table: pd.DataFrame) -> str:
        title = self.title or self.name.replace("_", " ")
        return escape(title + " (paper)" * self.quoted(table, "brackets"))

    def compared(self, table: pd.DataFrame, name: str) -> pd.Series:
        """Values of a metric as they compete: more is better, as printed."""
        values = table[f"{name}_mean" if f"{name}_mean" in table else name].astype(float)
        values = values if self.form or self.within else values.round(self.digits)
        return values.where(values > 0) if self.better == "max" else -values

    def best(self, table: pd.DataFrame, group: pd.Series) -> pd.Series:
        """Which rows are bold; ``group`` of each row, None for one that does not compete."""
        if not self.better:
            return pd.Series(False, table.index)
        values = self.compared(table, self.name).where(group.notna())
        if self.rivals:
            top = pd.concat([self.compared(table, name) for name in self.rivals], axis=1).max(
                axis=1
            )
        else:
            top = values.groupby(group).transform("max")
        if self.within:
            std = table[f"{self.name}_std"].fillna(0)
            top = top - std.where(values == top).groupby(group).transform("max")
        return values >= top

    def cell(self, row: pd.Series, *, best: bool = False, quoted: bool = False) -> str:
        """One cell as HTML: words, or ours and, in brackets, the paper's and the difference."""
        value = row.get(self.name)
        if isinstance(value, str):
            return escape(self.names.get(value, value).replace("_", " "))
        text = (
            self.form(value)
            if self.form and pd.notna(value)
            else spread(row, self.name, self.digits)
        )
        paper = self.paper_cell(row) if quoted else DASH
        if text == DASH:
            return paper
        text = f"<strong>{text}</strong>" if best else text
        if self.interval:
            low, high = row[f"{self.name}_low"], row[f"{self.name}_high"]
            text += f"<br>[{low:.{self.digits}f}, {high:.{self.digits}f}]"
        more = [] if paper == DASH else [paper]
        if pd.notna(difference := row.get(f"{self.name}_difference")):
            more.append(f"{difference:+.{self.digits}f}")
        return f"{text} ({', '.join(more)})" if more else text

    def paper_cell(self, row: pd.Series) -> str:
        digits = self.digits if self.paper_digits is None else self.paper_digits
        return spread(row, f"paper_{self.name}", digits)


def spread(row: pd.Series, name: str, digits: int = 1) -> str:
    """``mean ± std`` of a metric in a row, or the one number of that name; a dash where there is none."""
    mean, std = row.get(f"{name}_mean", row.get(name)), row.get(f"{name}_std")
    if pd.isna(mean):
        return DASH
    return f"{mean:,.{digits}f}" + ("" if pd.isna(std) else f" ± {std:.{digits}f}")


def html(
    table: pd.DataFrame, columns: list[Column], *, among=None, across: str = "", strong=None
) -> str:
    """A described table as HTML; the first column names the rows.

    among : which rows compete for bold, all without
    across : column whose values become groups of columns, within which rows compete
    strong : which rows are bold as a whole
    """
    table = table.reset_index(drop=True)
    group = table[across] if across else pd.Series(0, table.index)
    if among is not None:
        group = group.where(np.asarray(among, dtype=bool))
    names, shown = columns[0], cells(table, columns[1:], group)
    shown.index = [names.cell(row) for _, row in table.iterrows()]
    if strong is not None:
        bold = np.asarray(strong, dtype=bool)
        shown[bold] = "<strong>" + shown[bold] + "</strong>"
        shown.index = np.where(bold, "<strong>" + shown.index + "</strong>", shown.index)
    head = names.heading(table)
    if not across:
        return frame_html(shown.rename_axis(columns=head))
    keys = table[across].to_numpy()
    groups = {key: shown[keys == key] for key in dict.fromkeys(keys)}
    wide = pd.concat({escape(k.replace("_", " ")): v for k, v in groups.items()}, axis=1)
    if shown.shape[1] == 1:
        return frame_html(wide.droplevel(1, axis=1).rename_axis(columns=shown.columns[0]))
    return frame_html(wide.rename_axis(columns=[None, head]))


def cells(table: pd.DataFrame, columns: list[Column], group: pd.Series) -> pd.DataFrame:
    """The cells of each column as HTML, under their headings."""
    found = []
    for column in columns:
        best, quoted = column.best(table, group), column.quoted(table, "brackets")
        values = [column.cell(r, best=best[i], quoted=quoted) for i, r in table.iterrows()]
        found.append(pd.Series(values, name=column.heading(table)))
        if column.quoted(table, "beside"):
            values = [column.paper_cell(row) for _, row in table.iterrows()]
            found.append(pd.Series(values, name="paper"))
    return pd.concat(found, axis=1)


def frame_html(table: pd.DataFrame, *, header: bool = True) -> str:
    """A DataFrame of HTML, whole."""
    with pd.option_context("display.max_colwidth", None):
        return table.to_html(border=0, escape=False, na_rep=DASH, header=header)


def plain_html(table: pd.DataFrame, digits: int = 1) -> str:
    """A DataFrame of words and numbers as it is."""
    with pd.option_context("display.max_colwidth", None):
        number = f"{{:.{digits}f}}".format
        return table.to_html(index=False, border=0, na_rep=DASH, float_format=number)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table as Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
