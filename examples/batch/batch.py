"""Segments a folder of photos on many machines with Ray Data.

    python batch.py photos/ scenes.jsonl --command aims-web --workers 2 -- --device cpu

Each worker runs `aims-web segment` on a few photos at a time. The options after `--` go to
`aims-web segment`. Every photo gets one line in the output file, or is listed at the end with its
error. Photos that already have a line are skipped, so the same command resumes after a stop.
"""

import argparse
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Ray sends usage statistics to its makers unless this is 0.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp"}


def find_photos(folder):
    """The absolute paths of a folder's photos in order, each file once, without hidden ones."""
    photos = {}
    for parent, folders, names in os.walk(os.path.abspath(folder)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in EXTENSIONS:
                path = os.path.join(parent, name)
                photos.setdefault(os.path.realpath(path), path)
    return list(photos.values())


def whole_lines(file):
    """Yields the lines of a JSON Lines file and their values, without a last line that was cut."""
    for line in file:
        if line.endswith(b"\n"):
            yield line, json.loads(line)


def by_photo(path, value):
    """The values of a JSON Lines file by photo; empty if there is no file."""
    if not path.exists():
        return {}
    with open(path, "rb") as file:
        return {entry["photo"]: value(line, entry) for line, entry in whole_lines(file)}


def segment(photos, command, options):
    """Runs `aims-web segment` on photos. Returns a line of JSON or an error for each of them.

    A program that was killed is started again and resumes in its folder. If it was killed before it
    finished the first of the remaining photos, this photo gets an error and the others follow.
    Errors that concern all photos, such as a wrong option, are raised.
    """
    lines, errors = {}, {}
    with tempfile.TemporaryDirectory(prefix="aims-batch-") as folder:
        while left := [photo for photo in photos if photo not in lines and photo not in errors]:
            call = [command, "segment", *left, "--out", folder, *options]
            ended = subprocess.run(
                call, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            lines |= by_photo(Path(folder, "scenes.jsonl"), lambda line, entry: line.decode())
            errors |= by_photo(Path(folder, "failures.jsonl"), lambda line, entry: entry["error"])
            if left[0] in lines or left[0] in errors:
                continue
            if ended.returncode >= 0:
                raise RuntimeError(
                    f"{command} segment: {ended.stderr.decode(errors='replace').strip()}"
                )
            errors[left[0]] = f"the program was ended by signal {-ended.returncode} at this photo"
    return lines, errors


def segment_batch(batch, command, options):
    """Segments a batch of Ray Data: a line or an error for each photo, or a `fault` of them all."""
    photos, lines, errors, fault = [str(photo) for photo in batch["photo"]], {}, {}, ""
    try:
        lines, errors = segment(photos, command, options)
    except (RuntimeError, OSError) as error:
        fault = str(error)
    texts = {"line": lines, "error": errors}
    columns = {name: [found.get(photo, "") for photo in photos] for name, found in texts.items()}
    return {"photo": photos, **columns, "fault": [fault] * len(photos)}


def answers(photos, arguments):
    """Yields the rows of the workers as soon as they come.

    Ray repeats the call of a worker that died, so a photo may come twice.
    """
    import ray

    if arguments.address:
        ray.init(arguments.address)
    elif not ray.is_initialized():
        ray.init(num_cpus=arguments.workers, include_dashboard=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    calls = -(-len(photos) // arguments.photos_per_call)
    rows = ray.data.from_items([{"photo": photo} for photo in photos], override_num_blocks=calls)
    rows = rows.map_batches(
        segment_batch,
        fn_kwargs={"command": arguments.command, "options": arguments.options},
        batch_size=arguments.photos_per_call,
        batch_format="numpy",
        compute=ray.data.TaskPoolStrategy(size=arguments.workers),
    )
    yield from rows.iter_rows()


def is_text(path):
    """Whether a path can be written as UTF-8."""
    return os.fsencode(path).decode(errors="replace") == path


def open_output(path):
    """Opens and locks the output file, and removes a last line that was cut.

    Returns the file and the photos that have a line in it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = open(path, "a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(
            f"error: another program is writing to {path}. "
            "Wait until it ends, or name another file."
        )
    file.seek(0)
    there, length = set(), 0
    for line, entry in whole_lines(file):
        there.add(entry["photo"])
        length += len(line)
    file.truncate(length)
    return file, there


def write_new(rows, wanted, file):
    """Writes the first line of each wanted photo as soon as it comes.

    Returns the errors by photo. A photo that no worker answered has an error too.
    """
    left, errors, start = set(wanted), {}, time.monotonic()
    for row in rows:
        if row["fault"]:
            sys.exit(
                f"\nerror: {row['fault']}\n"
                "Fix this and run the same command again: it resumes with the remaining photos."
            )
        if row["photo"] not in left:
            continue
        left.remove(row["photo"])
        if row["line"]:
            file.write(row["line"].encode())
            file.flush()
        else:
            errors[row["photo"]] = row["error"]
        done = len(wanted) - len(left)
        minutes = (time.monotonic() - start) / done * len(left) / 60
        print(
            f"\r{done} of {len(wanted)} photos, {minutes:.0f} minutes left ",
            end="",
            file=sys.stderr,
            flush=True,
        )
    print(file=sys.stderr)
    return errors | {photo: "no worker answered" for photo in left}


def parse(call):
    parser = argparse.ArgumentParser(
        description="Segments a folder of photos on many machines with Ray Data.",
        epilog="The options after `--` go to `aims-web segment`.",
    )
    parser.add_argument(
        "photos",
        help="folder of .jpg, .jpeg, .png and .webp files, at the same path on all machines",
    )
    parser.add_argument("output", type=Path, help="JSON Lines file to write")
    parser.add_argument(
        "--command",
        default="aims-web",
        help="the program aims-web, at the same path on all machines",
    )
    parser.add_argument(
        "--workers", type=int, default=2, help="number of calls that run at the same time"
    )
    parser.add_argument(
        "--photos-per-call",
        type=int,
        default=64,
        help="number of photos in a call; each call loads the model once",
    )
    parser.add_argument(
        "--address", help="address of a Ray cluster; by default, Ray is started on this machine"
    )
    own = call.index("--") if "--" in call else len(call)
    return parser.parse_args(call[:own], argparse.Namespace(options=call[own + 1 :]))


def main(call):
    """Runs the program. Returns the exit status, which is 1 if a photo failed."""
    arguments = parse(call)
    if os.sep in arguments.command:
        arguments.command = os.path.abspath(arguments.command)
    photos = find_photos(arguments.photos)
    if not photos:
        sys.exit(f"error: {arguments.photos} has no .jpg, .jpeg, .png or .webp files.")
    file, there = open_output(arguments.output)
    with file:
        new = [photo for photo in photos if photo not in there]
        named = [photo for photo in new if is_text(photo)]
        errors = write_new(answers(named, arguments), named, file) if named else {}
    errors |= {
        photo: "its path is not Unicode, as JSON needs; rename it"
        for photo in new
        if not is_text(photo)
    }
    for photo, error in sorted(errors.items()):
        print(f"failed: {os.fsencode(photo).decode(errors='replace')}: {error}", file=sys.stderr)
    done, skipped = len(new) - len(errors), len(photos) - len(new)
    print(
        f"{done} photos done, {skipped} skipped, {len(errors)} failed: {arguments.output}",
        file=sys.stderr,
    )
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
