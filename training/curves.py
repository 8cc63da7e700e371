"""Losses and validation figures of a run as a picture.

    python training/curves.py out/train/log.jsonl docs/images/training.svg"""

import json
import sys

import matplotlib

matplotlib.use("svg")
# The same log gives the same file.
matplotlib.rcParams["svg.hashsalt"] = "aims"
from matplotlib import pyplot as plt  # noqa: E402

LOSSES = ("mask", "heat", "quality", "score", "link")


def main():
    log, out = sys.argv[1:]
    rows = [json.loads(line) for line in open(log)]
    # A log may hold several runs: the last one is shown. One that went on from a checkpoint repeats some steps: the later ones count.
    losses, validations = {}, {}
    for row in rows:
        if row.get("run") != rows[-1].get("run"):
            continue
        if "loss" in row:
            losses[row["step"]] = row
        elif "validation" in row:
            validations[row["step"]] = row["validation"]

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    steps = sorted(losses)
    for name in LOSSES:
        left.plot(steps, [losses[step].get(name) for step in steps], label=name)
    left.set(xlabel="step", ylabel="loss", yscale="log", title="training losses")
    left.legend()
    steps = sorted(validations)
    for name in validations[steps[-1]]:
        line = right.plot(steps, [validations[step][name]["AR"] for step in steps], "o-", label=f"{name}, AR")
        right.plot(steps, [validations[step][name]["AP"] for step in steps], "--", color=line[0].get_color())
    right.set(xlabel="step", ylabel="%", title="validation (dashed: AP)")
    right.legend()
    figure.tight_layout()
    figure.savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    main()
