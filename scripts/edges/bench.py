"""Measures refined edges against exact alpha: npm run bench:edges.

Everything that takes long is kept in the folder `--cache`; delete a part of it to make it again.
"""

import argparse
import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import compose
import metrics
import numpy as np
import rivals
from draw import draw_all
from PIL import Image
from report import report
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[2]
SETS = ("drawn", "small", "rendered", "real")
OUR_WAYS = ("quick", "careful")
# These take long, and the set of small subjects is there to show what the zoom gives.
RIVALS = ("pymatting", "isnet")


class Answer(NamedTuple):
    """The answer of one method has an alpha, and colours if they are better than the photo's."""

    alpha: np.ndarray
    colours: np.ndarray | None = None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/aims-web/edges")
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data/matting")
    parser.add_argument("--program", required=True, help="the built program aims-web")
    parser.add_argument("--only", help="the names of some pictures, with commas")
    parser.add_argument("--without", default="", help="methods to leave out, with commas")
    parser.add_argument("--set", choices=SETS, action="append", dest="sets")
    parser.add_argument("--masks", choices=("model", "ideal"), default="model")
    parser.add_argument("--radius", type=float, help="share of the photo's longer side")
    parser.add_argument("--no-zoom", action="store_true", help="do not find small things again")
    return parser.parse_args()


def ideal_mask(alpha):
    """The mask of a network that errs only by the cells of its output, 160 on the long side."""
    height, width = alpha.shape
    scale = 160 / max(width, height)
    cells = Image.fromarray(alpha).resize(
        (max(1, round(scale * width)), max(1, round(scale * height))), Image.BOX
    )
    return np.asarray(cells.resize((width, height), Image.BILINEAR)) > 0.5


def save(path, values):
    """Writes an alpha as a grey PNG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.round(255 * np.clip(values, 0, 1)).astype(np.uint8)).save(path)


def kept(path, make):
    """The alpha in a file, which is made first if it is not there."""
    if not path.exists():
        save(path, make())
    return compose.read(path, "L")


def run_program(options, cases, folder):
    """Our masks and mattes of all cases, as files in the folder. Returns the radius of each."""
    jobs = []
    for case in cases:
        job = {"name": case.name, "photo": str(case.photo)}
        if options.masks == "ideal":
            mask = folder / f"{case.name}-given.png"
            kept(mask, lambda case=case: ideal_mask(case.alpha).astype(np.float32))
            job["mask"] = str(mask)
        else:
            job["prompt"] = {"kind": "points", "box": case.box}
        if options.radius:
            job["radius"] = options.radius * max(case.alpha.shape)
        jobs.append(job)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cases.json").write_text(json.dumps(jobs))
    program = [options.program, "mattes", folder / "cases.json", "--out", folder]
    program += ["--device", "cpu", *(["--no-zoom"] if options.no_zoom else [])]
    found = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True)
    (folder / "times.jsonl").write_text(found.stdout)
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    return {row["name"]: row["radius"] for row in rows}


def answers(case, folder, radius, isnet, without):
    """The answers of all methods, one after the other."""
    photo = compose.read(case.photo)
    mask = compose.read(folder / f"{case.name}-mask.png", "L") > 0.5
    yield "mask", Answer(mask.astype(np.float32))
    yield "feather 2 px", Answer(rivals.feather(mask, 2))
    yield "feather, radius", Answer(rivals.feather(mask, radius))
    for way in OUR_WAYS:
        rgba = compose.read(folder / f"{case.name}-{way}.png", "RGBA")
        yield way, Answer(rgba[..., 3], rgba[..., :3])
    if "pymatting" not in without:
        trimap = rivals.trimap(mask, radius)
        file = folder / f"{case.name}-pymatting.png"
        alpha = kept(file, lambda: rivals.closed_form(photo, trimap))
        yield "pymatting", Answer(alpha, rivals.foreground(photo, alpha))
    if isnet:
        file = folder.parent / "isnet" / f"{case.name}.png"
        alpha = kept(file, lambda: isnet(photo))
        yield "IS-Net", Answer(alpha)


def measured(case, answer, grounds):
    """All figures of one answer."""
    # Nothing differs where both alphas are 0, so only the picture around the others is read.
    rows, columns = ndimage.find_objects(((answer.alpha > 0) | (case.alpha > 0)).astype(int))[0]
    part = tuple(slice(max(0, at.start - 8), at.stop + 8) for at in (rows, columns))
    alpha, truth = answer.alpha[part], case.alpha[part]
    share = truth.size / case.alpha.size
    figures = {
        "SAD": metrics.sad(alpha, truth),
        "MSE": share * metrics.mse(alpha, truth),
        "gradient": metrics.gradient_error(alpha, truth),
        "F 1 px": metrics.boundary_f(alpha, truth, 1),
        "F 3 px": metrics.boundary_f(alpha, truth, 3),
    }
    if case.colours is not None:
        colours = compose.read(case.photo) if answer.colours is None else answer.colours
        grounds = [ground if np.isscalar(ground) else ground[part] for ground in grounds]
        own = case.colours[part]
        figures["colour"] = share * metrics.colour_error(alpha, colours[part], truth, own, grounds)
    return figures


def measure(options, name, cases):
    """The figures of all methods on a set of cases, and what is printed of them."""
    settings = [name, options.masks, *(["no-zoom"] if options.no_zoom else [])]
    settings += [f"{options.radius}"] if options.radius else []
    folder = options.cache / "-".join(settings)
    without = [*options.without.split(","), *(RIVALS if name == "small" else ())]
    radii = run_program(options, cases(), folder)
    isnet = None if "isnet" in without else rivals.IsNet(options.cache)
    rows = []
    for number, case in enumerate(cases()):
        height, width = case.alpha.shape
        # Black, white, and another photograph than the one behind the subject.
        grounds = [0.0, 1.0, compose.background(number + 7, width, height)]
        for method, answer in answers(case, folder, radii[case.name], isnet, without):
            figures = measured(case, answer, grounds)
            rows.append({"picture": case.name, "kind": case.kind, "method": method, **figures})
        print(f"measured {case.name}", flush=True)
    (folder / "figures.json").write_text(json.dumps(rows, indent=1))
    return report(rows)


def main():
    options = arguments()
    names = set(options.only.split(",")) if options.only else None

    def chosen(cases):
        return (case for case in cases if names is None or case.name in names)

    folders = ("subjects", "rendered", "photos")
    subjects, rendered, photos = (options.cache / name for name in folders)
    wanted = options.sets or list(SETS)
    if "rendered" in wanted and not rendered.exists():
        print("There are no rendered subjects, so they are left out.")
        wanted.remove("rendered")
    draw_all(subjects)
    sets = {
        "drawn": lambda: chosen(compose.drawn_cases(subjects, photos)),
        "small": lambda: chosen(compose.small_cases(subjects, photos)),
        "rendered": lambda: chosen(compose.rendered_cases(rendered, photos)),
        "real": lambda: chosen(compose.real_cases(options.data)),
    }
    for name in wanted:
        print(f"\n{name}, masks: {options.masks}\n")
        print(measure(options, name, sets[name]))


if __name__ == "__main__":
    main()
