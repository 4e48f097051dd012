#!/usr/bin/env python3
"""Checks who owns a conversation, and its moves, for all interleavings (`make model`; needs Debian's spin and gcc).

First every model as it stands, which must hold; then each rule taken out, one at a time, which must give a
counterexample: a rule that nothing misses is not a rule, or the model does not see what it is for.

  check.py                    everything
  check.py ownership          one model
  check.py move NO_TAKER_SEEN     one rule taken out, with the steps of its counterexample
"""
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Megabytes a search may take, and steps that one path may have.
MEMORY, DEPTH = 3000, 1_000_000


def rules(model):
    """The names that the model lets one take out, in their order."""
    found = []
    for name in re.findall(r"#ifn?def (NO_\w+)", model.read_text()):
        if name not in found:
            found.append(name)
    return found


def variant(without):
    """What spin is told; a model may be content with fewer faults where one rule is out."""
    return [f"-D{without}", "-DONE_RULE_OUT"] if without else []


def search(model, without, folder):
    """Runs the checker; the answer is (errors, states, seconds, what it printed)."""
    began = time.monotonic()
    flags = variant(without)
    subprocess.run(["spin", "-a", *flags, str(model)], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    # A counterexample is found sooner than an optimised checker is compiled; to find none takes all states.
    optimised = "-O0" if without else "-O2"
    subprocess.run(
        ["gcc", optimised, "-w", "-DSAFETY", f"-DMEMLIM={MEMORY}", "-o", "pan", "pan.c"], cwd=folder, check=True)
    done = subprocess.run(["./pan", f"-m{DEPTH}", "-c1"], cwd=folder, capture_output=True, text=True)
    errors = re.search(r"errors: (\d+)", done.stdout)
    states = re.search(r"(\S+) states, stored", done.stdout)
    if not errors or not states or "out of memory" in done.stdout or "max search depth too small" in done.stdout:
        sys.exit(f"{model.name}: the search did not come to its end\n{done.stdout}{done.stderr}")
    return int(errors[1]), int(float(states[1])), time.monotonic() - began, done.stdout


def replay(model, without, folder):
    """The steps of the counterexample, as the model's own lines."""
    flags = variant(without)
    shown = subprocess.run(
        ["spin", "-t", "-p", "-g", "-k", f"{model.name}.trail", *flags, str(model)], cwd=folder, capture_output=True,
        text=True)
    return shown.stdout


def main(arguments):
    for tool in ("spin", "gcc"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: apt-get install {tool}")
    models = [HERE / f"{arguments[0]}.pml"] if arguments else sorted(HERE.glob("*.pml"))
    failed, began = 0, time.monotonic()
    for model in models:
        for without in [arguments[1]] if len(arguments) > 1 else [None, *rules(model)]:
            with tempfile.TemporaryDirectory() as folder:
                errors, states, seconds, _ = search(model, without, folder)
                good = (errors == 0) == (without is None)
                failed += not good
                what = f"without {without.removeprefix('NO_')}" if without else "as it stands"
                found = f"{errors} counterexample" if errors else "holds"
                print(
                    f"{'ok  ' if good else 'FAIL'} {model.stem} {what}: {found}, {states} states, {seconds:.1f} s",
                    flush=True)
                if len(arguments) > 1 or (errors and not without):
                    print(replay(model, without, folder))
    print(f"model: {'ok' if not failed else f'{failed} failed'}, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
