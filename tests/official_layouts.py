"""Tiny data in the layouts of published sets, for the tests of their readers."""

import hashlib
import io
import os
import shutil
import tarfile

import numpy as np
import soundfile

from sedutils.corpora.official import chime_home as chime
from sedutils.corpora.official import itc_irst as itc
from sedutils.corpora.official.scenes import FOLDS
from sedutils.pipeline import files

DURATION_S = 0.1
VOTES = ("c", "mf", "S", "pbo", "U", "vS", "omc")


def wave(rate, channels=1, subtype="PCM_16"):
    """The bytes of a noisy wav file of `DURATION_S`."""
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (round(rate * DURATION_S), channels))
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, rate, subtype=subtype, format="WAV")
    return buffer.getvalue()


def edit(file, change):
    file.write_bytes(change(file.read_text()).encode())


def write_folds(folder, recordings, n_folds, prefix="", scene=""):
    """Write fold lists, recording i tested in fold i modulo `n_folds`; training rows are events."""
    for fold in range(n_folds):
        test = [path for i, path in enumerate(recordings) if i % n_folds == fold]
        train = [path for path in recordings if path not in test]
        rows = [f"{path}{scene}{event}" for path in train for event in ("\t0,01\t0,02\ta", "")]
        for split, lines in (("train", rows), ("test", test), ("evaluate", test)):
            if split != "evaluate" or prefix:
                file = folder / "evaluation_setup" / f"{prefix}fold{fold + 1}_{split}.txt"
                files.write_text(file, "\n".join(lines) + "\n")


def check_folds(folds, recordings, n_folds):
    assert list(folds) == list(FOLDS) and len(folds) == n_folds * len(recordings)
    assert folds["fold"].is_monotonic_increasing
    assert not folds.duplicated(["fold", "recording"]).any()
    tested = folds["recording"][folds["split"] == "test"]
    assert sorted(tested) == sorted(recordings["recording"])
    assert set(folds["split"]) == {"train", "test"}


def write_sessions(folder):
    """Twelve sessions as ITC-Irst's README lays them out, under the names that classes go by."""
    spelled = {
        "keyboard_clicking": "keyboard typing",
        "phone_ring": "phone ring/music",
        "spoon_cup_jingle": "spoon/cup jingle",
    }
    others = ["door open", "falling object", "phone vibration", "speech"]
    labels = [spelled.get(x, x.replace("_", " ")) for x in itc.EVALUATED] + others
    audio = wave(44100, 1, "PCM_24")
    names = [f"s{number:02}" for number in range(1, 13)]
    for name in names:
        files.write_bytes(folder / "audio" / f"{name}.wav", audio)
        rows = [f"0.0{i * 5:02}\t0,0{i * 5 + 4:02}\t{label}\r\n" for i, label in enumerate(labels)]
        files.write_text(folder / "meta" / f"{name}.txt", "".join(rows))
    for split, chosen in (("train", names[:9][::-1]), ("test", names[9:])):
        rows = [f"audio/{name}.wav\n" for name in chosen]
        files.write_text(folder / "evaluation_setup" / f"{split}.txt", "".join(rows))
    return folder


def chunk_names(count, start=0):
    """Two chunks a segment, as they are called."""
    return [f"CR_lounge_22{i // 2:04}_0731.s0_chunk{i % 2}" for i in range(start, start + count)]


def write_chunks(folder, development, evaluation, rates=("16kHz", "48kHz")):
    """Write the published layout; tiny files, one content each, linked under every name."""
    (folder / "chunks").mkdir(parents=True)
    for rate in rates:
        (folder / f"{rate}.tmp").write_bytes(wave(int(rate[:2]) * 1000, 2 if rate[0] == "4" else 1))
    for vote in VOTES:
        text = f"annotation_a1,cS\r\nchunkname,x\r\nmajorityvote,{vote}\r\n"
        (folder / f"{vote}.tmp").write_text(text)
    for i, chunk in enumerate([*development, *evaluation]):
        for rate in rates:
            os.link(folder / f"{rate}.tmp", folder / "chunks" / f"{chunk}.{rate}.wav")
        os.link(folder / f"{VOTES[i % len(VOTES)]}.tmp", folder / "chunks" / f"{chunk}.csv")
    rows = [f"{i},{chunk},{i // 2 % 5}" for i, chunk in enumerate(development)]
    (folder / chime.DEVELOPMENT).write_text("\n".join(rows) + "\n")
    rows = [f"{i},{chunk}" for i, chunk in enumerate(evaluation)]
    (folder / chime.EVALUATION).write_text("\n".join(rows) + "\n")
    for file in folder.glob("*.tmp"):
        file.unlink()
    return folder


def packed(corpus, source, folder):
    """Pack `source` into `folder` below one enclosing folder; return the path of a registry."""
    copy = shutil.copytree(source, folder.with_name("copy"))  # tar would store hard links as links
    files.write_text(copy / "README", "theirs")
    folder.mkdir()
    with tarfile.open(folder / "set.tar.gz", "w:gz") as tar:
        tar.add(copy, "enclosing")
    data = (folder / "set.tar.gz").read_bytes()
    row = [corpus, "set.tar.gz", "http://127.0.0.1:9/set.tar.gz", str(len(data))]
    row.append(hashlib.md5(data).hexdigest())
    registry = folder.with_name("packages.tsv")
    registry.write_text("corpus\tpackage\turls\tbytes\tmd5\n" + "\t".join(row) + "\n")
    return registry
