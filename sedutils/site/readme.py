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


def methods() -> str:
    """Frame F1 and error rate of the five methods, a column a folder of reports, the paper's last."""
    tables = {
        title: pd.read_csv(REPORTS / folder / "crnn/tables/table2.csv").set_index("method")
        for title, folder in COLUMNS.items()
    }
    first = tables["procedural"]
    rows = [
        [method, *(cell(t.loc[method]) for t in tables.values()), cell(first.loc[method], "paper_")]
        for method in first.index[first.paper_F1_frm_mean.notna()]
    ]
    return markdown(["", *tables, "paper"], rows)


def boundaries() -> str:
    """Event F1 and error rate of the multi-task network and its baseline, the paper's in brackets.

    Beneath them those of a detector that is always on.
    """
    rows = {"baseline": ["multi-label CRNN"], "proposed": ["multi-task CRNN"]}
    always = ["always on"]
    for path in BOUNDARIES.values():
        overall = pd.read_csv(REPORTS / path).set_index("class").loc["Overall"]
        for name, cells in rows.items():
            mean, std, error = (overall[f"{name}_{m}"] for m in ("F1_mean", "F1_std", "ER_mean"))
            spread = "" if pd.isna(std) else f" ± {std:.1f}"
            printed = f"{overall[f'paper_{name}_F1']:.1f} / {overall[f'paper_{name}_ER']:.1f}"
            cells.append(f"{mean:.1f}{spread} / {error:.1f} ({printed})")
        always.append(f"{overall.always_on_F1:.1f} / {overall.always_on_ER:.1f}")
    return markdown(["events, in percent", *BOUNDARIES], [*rows.values(), always])


def rare_events() -> str:
    """Event error rate and F1 on the evaluation clips of rare events, the paper's mean of classes in brackets."""
    rows = {"R-CRNN": ["R-CRNN"]} | {name: [title] for name, title in SYSTEMS.items()}
    for folder, label in RARE.values():
        regions = pd.read_csv(REPORTS / folder / "rcrnn/tables/classes.csv").set_index(
            ["split", "class"]
        )
        others = pd.read_csv(REPORTS / folder / "gradual/tables/table1.csv").set_index(
            ["system", "class"]
        )
        rows["R-CRNN"].append(errors(regions.loc["evaluation", label]))
        for name in SYSTEMS:
            rows[name].append(errors(others.loc[name, label]))
    compared = pd.read_csv(REPORTS / "laptop/rcrnn/tables/table4.csv").set_index("method")
    first = compared.loc["R-CRNN (printed)"]
    rows["R-CRNN"].append(f"{first.eval_ER_mean:.2f} / {first.eval_F_mean:.1f}")
    others = pd.read_csv(REPORTS / "laptop/gradual/tables/table1.csv").set_index(
        ["system", "class"]
    )
    for name, title in SYSTEMS.items():
        key = (title, "average") if (title, "average") in others.index else (name, "average")
        printed = others.loc[key]
        known = pd.notna(printed.paper_ER)
        rows[name].append(f"{printed.paper_ER:.2f} / {printed.paper_F1:.1f}" if known else "–")
    return markdown(["events, error rate / F1 (%)", *RARE, "paper"], list(rows.values()))


def weak_labels() -> str:
    """Event F1 of ensembles trained without times on clips of a home, the paper's where it prints one."""
    rows = {name: [title] for name, title in (ENSEMBLES | CHOSEN).items()}
    for folder in WEAK.values():
        tables = REPORTS / folder / "fbcrnn/tables"
        found = pd.read_csv(tables / "detection.csv").set_index("system").F
        average = pd.read_csv(tables / "table3.csv").iloc[-1]
        for name in ENSEMBLES:
            rows[name].append(f"{found[name]:.1f}")
        for name in CHOSEN:
            rows[name].append(f"{average[name]:.1f}")
    printed = pd.read_csv(REPORTS / "laptop/fbcrnn/tables/table3.csv").iloc[-1].paper_F
    for name, cells in rows.items():
        cells.append(f"{printed:.1f}" if name == "validation" else "–")
    return markdown(["events, F1 (%), mean of classes", *WEAK, "paper"], list(rows.values()))


def errors(row: pd.Series) -> str:
    """Error rate ± standard deviation / F1."""
    spread = "" if pd.isna(row.ER_std) else f" ± {row.ER_std:.2f}"
    return f"{row.ER_mean:.2f}{spread} / {row.F1_mean:.1f}"


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def cell(row: pd.Series, prefix: str = "") -> str:
    """F1 ± standard deviation / error rate, as far as a row of Table II has them."""
    score, spread, error = (
        row[f"{prefix}{n}"] for n in ("F1_frm_mean", "F1_frm_std", "ER_frm_mean")
    )
    return f"{score:.1f}{'' if pd.isna(spread) else f' ± {spread:.1f}'} / {error:.2f}"


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
