"""What stands in git beside the pipeline's own reports: the table of README.md, and the folder of an experiment.

python -m sedutils.site.readme table                        the tables, from the tables in reports/
python -m sedutils.site.readme experiment NAME COMMAND      reports/NAME/, from the experiment that DVC kept
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from sedutils.pipeline import files
from sedutils.show.columns import DASH, markdown, spread

README, REPORTS = Path("README.md"), Path("reports")
COLUMNS = {"procedural": "laptop", "ESC-10 clips": "bank-esc10"}
# Row "Overall" of Phan et al. 2018: column -> where its table stands
BOUNDARIES = {
    "isolated, procedural": "laptop/multitask/tables/table1.csv",
    "overlapping, procedural": "laptop/multitask/tables/table2.csv",
    "overlapping, ESC-10 clips": "bank-esc10/multitask/tables/table2.csv",
}
# Rare events: column -> folder of reports, and the class that it tells of
RARE = {
    "three classes, procedural": ("laptop", "average"),
    "baby cry, ESC-10 clips": ("bank-esc10", "babycry"),
}
# Clips of a home: column -> folder of reports
WEAK = {"procedural": "laptop", "ESC-10 clips": "bank-esc10"}
ENSEMBLES = {
    "FBCRNN": "FBCRNNs",
    "tag-conditioned CNN": "tag-conditioned CNNs",
    "FBCRNN and tag-conditioned CNN": "both together",
}
CHOSEN = {
    "crossed": "both, chosen on the other half of the validation clips",
    "validation": "both, chosen on the clips that are reported",
}
SYSTEMS = {"crnn_ta": "CRNN+TA", "cbrnn": "CBRNN", "gradual_net": "gradual network"}
BEGIN, END = "<!-- table -->\n", "<!-- end -->"


def table() -> str:
    """The tables of README.md."""
    return f"{methods()}\n{boundaries()}\n{rare_events()}\n{weak_labels()}"


def read(path: str, *keys: str) -> pd.DataFrame:
    """A table of the reports, its rows by their names."""
    return pd.read_csv(REPORTS / path).set_index([*keys])


def cell(row: pd.Series, score: str, error: str, digits: int) -> str:
    """Score and error rate, each with what spread there is."""
    return f"{spread(row, score)} / {spread(row, error, digits)}"


def methods() -> str:
    """Frame F1 and error rate of the five methods, a column a folder of reports, the paper's last."""
    tables = {t: read(f"{f}/crnn/tables/table2.csv", "method") for t, f in COLUMNS.items()}
    first = tables["procedural"]
    rows = [
        [
            method,
            *(cell(t.loc[method], "F1_frm", "ER_frm_mean", 2) for t in tables.values()),
            cell(first.loc[method], "paper_F1_frm", "paper_ER_frm_mean", 2),
        ]
        for method in first.index[first.paper_F1_frm_mean.notna()]
    ]
    return markdown(["", *tables, "paper"], rows)


def boundaries() -> str:
    """Event F1 and error rate of the multi-task network and its baseline, the paper's in brackets.

    Beneath them those of a detector that is always on.
    """
    overall = [read(path, "class").loc["Overall"] for path in BOUNDARIES.values()]
    rows = [["multi-label CRNN", "baseline"], ["multi-task CRNN", "proposed"]]
    rows = [
        [
            title,
            *(
                f"{cell(row, f'{name}_F1', f'{name}_ER_mean', 1)} "
                f"({cell(row, f'paper_{name}_F1', f'paper_{name}_ER', 1)})"
                for row in overall
            ),
        ]
        for title, name in rows
    ]
    rows.append(["always on", *(cell(row, "always_on_F1", "always_on_ER", 1) for row in overall)])
    return markdown(["events, in percent", *BOUNDARIES], rows)


def rare_events() -> str:
    """Event error rate and F1 on the evaluation clips of rare events, the paper's mean of classes last."""
    rows = {"R-CRNN": ["R-CRNN"]} | {name: [title] for name, title in SYSTEMS.items()}
    for folder, label in RARE.values():
        regions = read(f"{folder}/rcrnn/tables/classes.csv", "split", "class")
        others = read(f"{folder}/gradual/tables/table1.csv", "system", "class")
        rows["R-CRNN"].append(errors(regions.loc["evaluation", label]))
        for name in SYSTEMS:
            rows[name].append(errors(others.loc[name, label]))
    printed = read("laptop/rcrnn/tables/table4.csv", "method").loc["R-CRNN (printed)"]
    rows["R-CRNN"].append(f"{printed.eval_ER_mean:.2f} / {printed.eval_F_mean:.1f}")
    others = read("laptop/gradual/tables/table1.csv", "system", "class")
    for name, title in SYSTEMS.items():
        key = title if (title, "average") in others.index else name
        rows[name].append(errors(others.loc[key, "average"], "paper_ER", "paper_F1"))
    return markdown(["events, error rate / F1 (%)", *RARE, "paper"], list(rows.values()))


def errors(row: pd.Series, error: str = "ER", score: str = "F1_mean") -> str:
    """Error rate ± standard deviation / F1, a dash where neither is known."""
    known = spread(row, error, 2)
    return known if known == DASH else f"{known} / {spread(row, score)}"


def weak_labels() -> str:
    """Event F1 of ensembles trained without times on clips of a home, the paper's where it prints one."""
    rows = {name: [title] for name, title in (ENSEMBLES | CHOSEN).items()}
    for folder in WEAK.values():
        found = read(f"{folder}/fbcrnn/tables/detection.csv", "system").F
        average = read(f"{folder}/fbcrnn/tables/table3.csv", "class").iloc[-1]
        for name, cells in rows.items():
            cells.append(f"{found[name] if name in ENSEMBLES else average[name]:.1f}")
    printed = read("laptop/fbcrnn/tables/table3.csv", "class").iloc[-1].paper_F
    for name, cells in rows.items():
        cells.append(f"{printed:.1f}" if name == "validation" else DASH)
    return markdown(["events, F1 (%), mean of classes", *WEAK, "paper"], list(rows.values()))


def write_table() -> None:
    """Put the table between its marks in README.md."""
    head, rest = README.read_text().split(BEGIN)
    files.write_text(README, head + BEGIN + table() + END + rest.split(END)[1])


def experiment(name: str, command: str) -> None:
    """Lay what an experiment changed in reports/laptop into reports/NAME, with the command that made it."""
    reference = git("for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/{name}").strip()
    if not reference:
        raise ValueError(f"experiment {name!r}: DVC kept none of this name (dvc exp list)")
    made = git("diff", "--name-only", "--diff-filter=AM", "HEAD", reference, "--", "reports/laptop")
    folder = REPORTS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in made.split():
        target = folder / Path(path).relative_to("reports/laptop")
        files.write_bytes(target, git("show", f"{reference}:{path}", text=False))
    commit = git("rev-parse", "--short", "HEAD").strip()
    files.write_text(folder / "README.md", f"Made at commit {commit} by\n\n    {command}\n")


def git(*arguments: str, text: bool = True):
    """What git prints."""
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=text).stdout


def main(arguments: list[str]) -> None:
    try:
        match arguments:
            case ["table"]:
                write_table()
            case ["experiment", name, command]:
                experiment(name, command)
            case _:
                sys.exit(__doc__)
    except (ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
