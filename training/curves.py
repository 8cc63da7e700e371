"""Draws losses and validation figures of a run, or of several runs that continue one another.

Usage:

    python training/curves.py out/train/log.jsonl out/training.svg
    python training/curves.py training/weights/log.jsonl docs/images/training.svg g h i j
"""

import json
import sys

import matplotlib

matplotlib.use("svg")
# With this salt, the same log gives the same file.
matplotlib.rcParams["svg.hashsalt"] = "aims"
from matplotlib import pyplot as plt  # noqa: E402

LOSSES = ("mask", "objectness", "quality", "score", "link", "distilled")


def main():
    log, out, *runs = sys.argv[1:]
    rows = [json.loads(line) for line in open(log)]
    # A run that resumed from a checkpoint repeats some steps; the later ones count.
    losses, validations, done = {}, {}, 0
    for run in runs or [None]:
        own = [row for row in rows if row.get("run") == run]
        losses |= {done + row["step"]: row for row in own if "loss" in row}
        validations |= {done + row["step"]: row["validation"] for row in own if "validation" in row}
        done += own[-1]["step"]

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    steps = sorted(losses)
    for name in LOSSES:
        left.plot(steps, [losses[step].get(name) for step in steps], label=name)
    left.set(xlabel="step", ylabel="loss", yscale="log", title="training losses")
    left.legend()
    steps = sorted(validations)
    for name in validations[steps[-1]]:
        line = right.plot(
            steps, [validations[step][name]["AR"] for step in steps], "o-", label=f"{name}, AR"
        )
        right.plot(
            steps,
            [validations[step][name]["AP"] for step in steps],
            "--",
            color=line[0].get_color(),
        )
    right.set(xlabel="step", ylabel="%", title="validation (dashed: AP)")
    right.legend()
    figure.tight_layout()
    figure.savefig(out, metadata={"Date": None})


if __name__ == "__main__":
    main()
