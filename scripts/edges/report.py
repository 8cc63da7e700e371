"""Tables of the benchmark's figures."""

from statistics import mean

from metrics import interval

DIGITS = {"SAD": 2, "MSE": 2, "gradient": 2, "F 1 px": 3, "F 3 px": 3, "colour": 2}


def report(rows):
    """A table of the means of each method with their intervals, as Markdown."""
    lines = []
    methods = list(dict.fromkeys(row["method"] for row in rows))
    lines.append("| method | n | " + " | ".join(DIGITS) + " |")
    lines.append("|---|---:|" + "---:|" * len(DIGITS))
    for method in methods:
        own = [row for row in rows if row["method"] == method]
        cells = [cell([row[f] for row in own if f in row], d) for f, d in DIGITS.items()]
        lines.append(f"| {method} | {len(own)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\n" + by_kind(rows, methods)


def cell(values, digits):
    """A mean and its interval."""
    if not values:
        return "-"
    low, high = interval(values)
    return f"{mean(values):.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def by_kind(rows, methods):
    """A table of the mean MSE by kind of subject."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    count = {k: len({row["picture"] for row in rows if row["kind"] == k}) for k in kinds}
    lines = ["| MSE | " + " | ".join(f"{k} ({count[k]})" for k in kinds) + " |"]
    lines.append("|---|" + "---:|" * len(kinds))
    for method in methods:
        own = [row for row in rows if row["method"] == method]
        means = [mean(row["MSE"] for row in own if row["kind"] == kind) for kind in kinds]
        lines.append(f"| {method} | " + " | ".join(f"{value:.2f}" for value in means) + " |")
    return "\n".join(lines)
