"""Two local workers segment a folder of small photos. Run by `npm test -- --only batch`."""

import json
import os
import random
import signal
import struct
import threading
import time
import zlib
from pathlib import Path

import batch
import pytest
import ray

ROOT = Path(__file__).resolve().parents[2]
TARGET = os.environ.get("CARGO_TARGET_DIR") or Path.home() / ".cache/aims-target"
PROGRAM = os.environ.get("AIMS_WEB") or str(Path(TARGET, "release/aims-web"))
OPTIONS = [
    "--device",
    "cpu",
    "--input-size",
    "64",
    "--model",
    str(ROOT / "models/aims-tiny-q8.safetensors"),
]


def png(seed, width=48, height=32):
    """A photo of coloured stripes."""
    chance = random.Random(seed)
    colours = [bytes(chance.randrange(256) for _ in range(3)) for _ in range(4)]
    rows = b"".join(
        b"\0" + b"".join(colours[(x // 12 + y // 16) % 4] for x in range(width))
        for y in range(height)
    )

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def photos(tmp_path):
    """Twelve photos in two folders; one of the photos is damaged."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number in range(12):
        parent = folder / "more" if number % 3 == 0 else folder
        data = png(number)
        (parent / f"{number:02}.png").write_bytes(data[:-30] if number == 7 else data)
    return folder


@pytest.fixture(scope="module", autouse=True)
def workers():
    """Starts two workers once for all tests, with normal priority, which Ray lowers by default."""
    os.environ["RAY_worker_niceness"] = "0"
    ray.cloudpickle.register_pickle_by_value(batch)  # workers cannot import it by name
    ray.init(num_cpus=2, include_dashboard=False)
    yield
    ray.shutdown()


def run(photos, output, command=PROGRAM):
    return batch.main(
        [
            *map(str, (photos, output, "--command", command)),
            "--photos-per-call",
            "3",
            "--",
            *OPTIONS,
        ]
    )


def lines_of(output):
    return [json.loads(line) for line in output.read_text().splitlines()]


def check(photos, output, said):
    """Checks that every photo has one line or is listed once as failed."""
    lines = lines_of(output)
    failed = [line.split(": ")[1] for line in said.splitlines() if line.startswith("failed: ")]
    assert failed == [str(photos / "07.png")], said
    assert sorted([line["photo"] for line in lines] + failed) == sorted(
        map(str, photos.rglob("*.png"))
    )
    assert all(
        line["width"] == 48 and line["height"] == 32 and isinstance(line["masks"], list)
        for line in lines
    )


def test_every_photo_once_and_the_next_run_goes_on(photos, tmp_path, capsys):
    output = tmp_path / "out/scenes.jsonl"
    status, said = run(photos, output), capsys.readouterr().err
    assert status == 1 and "11 photos done, 0 skipped, 1 failed" in said
    check(photos, output, said)

    # Only the photo of the cut last line and the damaged photo, now replaced, are done again.
    (photos / "07.png").write_bytes(png(7))
    before = output.read_text()
    output.write_text(before[:-10])
    status, said = run(photos, output), capsys.readouterr().err
    assert status == 0 and "2 photos done, 10 skipped, 0 failed" in said
    assert sorted(line["photo"] for line in lines_of(output)) == sorted(
        map(str, photos.rglob("*.png"))
    )
    assert output.read_text().startswith("".join(before.splitlines(keepends=True)[:-1]))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_every_photo_once_when_a_worker_is_killed(photos, tmp_path, capsys):
    output, calls = tmp_path / "scenes.jsonl", tmp_path / "calls"
    # A program that waits before it begins, so that there is time to kill it.
    command = tmp_path / "slow"
    command.write_text(f'#!/bin/sh\necho $$ $PPID >> {calls}\nsleep 1\nexec {PROGRAM} "$@"\n')
    command.chmod(0o755)
    killed = []

    def started():
        return calls.read_text().splitlines() if calls.exists() else []

    def kill():
        """Kills the third call and its worker, when some photos are done and others are not."""
        deadline = time.monotonic() + 300
        while len(started()) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        child, worker = map(int, started()[2].split())
        name = Path(f"/proc/{worker}/cmdline").read_text()
        os.kill(worker, signal.SIGKILL)
        os.kill(child, signal.SIGKILL)
        killed.append(name)

    killer = threading.Thread(target=kill)
    killer.start()
    status, said = run(photos, output, command), capsys.readouterr().err
    killer.join()
    assert status == 1 and len(killed) == 1 and killed[0].startswith("ray::"), said
    check(photos, output, said)
    assert len(started()) > 4, "the call of the killed worker is repeated"


def test_a_photo_that_ends_the_program_costs_no_other(photos, tmp_path):
    command = tmp_path / "ends"
    command.write_text(f'#!/bin/sh\ncase "$2" in *05.png) kill -9 $$;; esac\nexec {PROGRAM} "$@"\n')
    command.chmod(0o755)
    names = [str(photos / f"{number:02}.png") for number in (4, 5, 7, 8)]
    lines, errors = batch.segment(names[1:] + names[:1], str(command), OPTIONS)
    assert sorted(lines) == [names[0], names[3]]
    assert sorted(errors) == [names[1], names[2]] and "signal 9" in errors[names[1]]


def test_what_is_wrong_for_all_photos_ends_the_run(photos, tmp_path):
    for command, option, message in [
        (PROGRAM, "--nonsense", "--nonsense"),
        (str(tmp_path / "missing"), "--mode", "No such file"),
    ]:
        with pytest.raises(SystemExit, match=f"error: .*{message}"):
            batch.main(
                [str(photos), str(tmp_path / "scenes.jsonl"), "--command", command, "--", option]
            )


def test_the_first_answer_counts_and_none_is_an_error(tmp_path):
    row = {"line": "", "error": "", "fault": ""}
    rows = [
        row | {"photo": "a", "line": "1\n"},
        row | {"photo": "b", "error": "damaged"},
        row | {"photo": "a", "line": "2\n"},
    ]
    with open(tmp_path / "scenes.jsonl", "wb") as file:
        errors = batch.write_new(rows + rows, ["a", "b", "c"], file)
    assert (tmp_path / "scenes.jsonl").read_text() == "1\n"
    assert errors == {"b": "damaged", "c": "no worker answered"}
