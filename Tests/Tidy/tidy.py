#!/usr/bin/env python3
"""The rules that a machine keeps, so that no reviewer has to. Prints every breach and exits 1 when there is one."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {"Package.swift", "Sources", "Tests", "Manifests", "Runbooks", "Makefile", "README.md"}
RINGS = {"Foreign", "Bindings", "Core", "Runtime", "Adapters", "Rehearsal", "Programs", "Support"}
LONGEST_FILE = 500
LONGEST_FUNCTION = 75
LONGEST_README = 150
# What Core may see: values only, no I/O, no clock, no logger.
CORE_IMPORTS = {"InterviewCore", "WireFormats", "Ports", "DequeModule", "HeapModule", "Foundation",
                "FoundationEssentials", "Synchronization"}
# Adapters never see each other, Sessions sees no adapter.
ADAPTERS = {p.name for p in (ROOT / "Sources/Adapters").iterdir() if p.is_dir()}

breaches = []


def breach(path, line, what):
    breaches.append(f"{path}:{line}: {what}")


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                         capture_output=True, text=True).stdout
    return [ROOT / name for name in out.splitlines() if (ROOT / name).is_file()]


def imports_of(text):
    return re.findall(r"^(?:@preconcurrency |@testable |package |internal )*import (?:\w+ )?(\w+)", text, re.M)


def check_functions(path, lines):
    """A function that does not fit a screen has a smaller one inside."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None and re.match(r"^\s*(?:@\w+(?:\(.*\))? )*(?:\w+ )*(?:func |init[?(<])", line) \
                and not line.rstrip().endswith("}"):
            start, indent = number, len(line) - len(line.lstrip())
        elif start is not None and line.startswith(" " * indent + "}") and len(line.rstrip()) == indent + 1:
            if number - start + 1 > LONGEST_FUNCTION:
                breach(path, start, f"function of {number - start + 1} lines (at most {LONGEST_FUNCTION})")
            start = None
        elif start is not None and indent and line.startswith("}"):
            start = None


def check_swift(path, name, text):
    lines = text.splitlines()
    if len(lines) > LONGEST_FILE:
        breach(name, 1, f"{len(lines)} lines (at most {LONGEST_FILE}): is there a smaller thing inside?")
    check_functions(name, lines)
    parts = name.parts
    in_sources = parts[0] == "Sources"
    if in_sources and len(parts) > 2:
        ring, module = parts[1], parts[2]
        found = set(imports_of(text))
        if ring == "Core" and (bad := found - CORE_IMPORTS):
            breach(name, 1, f"Core imports {', '.join(sorted(bad))}")
        if ring == "Adapters" and (bad := (found & ADAPTERS) - {module}):
            breach(name, 1, f"adapter imports adapter {', '.join(sorted(bad))}")
        if ring == "Runtime" and module == "Sessions" and (bad := found & ADAPTERS):
            breach(name, 1, f"Sessions imports adapter {', '.join(sorted(bad))}")
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0]
        if in_sources and parts[1] not in ("Programs", "Rehearsal") and re.search(r"(?<![.\w])(?<!func )(?:print|debugPrint|dump)\(", code):
            breach(name, number, "a forgotten print")
        if in_sources and re.search(r"\bfatalError\(|\btry!|\bas! ", code):
            breach(name, number, "a trap: one ends every conversation in flight")
        if re.search(r"\b(?:TODO|FIXME|XXX)\b", line):
            breach(name, number, "unfinished business")
        if re.search(r"^\s*public ", line):
            breach(name, number, "public: nobody outside compiles against us, say package")


def check_markdown(path, name, text):
    if name.name == "README.md" and len(name.parts) == 1 and text.count("\n") > LONGEST_README:
        breach(name, 1, f"README of {text.count(chr(10))} lines (at most {LONGEST_README})")
    for number, line in enumerate(text.splitlines(), 1):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
            if "://" not in target and not (path.parent / target).exists():
                breach(name, number, f"dead link {target}")


def check_make(text):
    """`make help` is the menu: each target it names exists, each drill in it is a real one."""
    for target in re.findall(r"`make ([a-z-]+)", "\n".join(p.read_text() for p in tracked() if p.suffix == ".md")):
        if not re.search(rf"^{re.escape(target)}:", text, re.M) and target != "help":
            breach("Makefile", 1, f"a page speaks of `make {target}`, which does not exist")


def main():
    for entry in {path.relative_to(ROOT).parts[0] for path in tracked()}:
        if entry not in TOP_LEVEL and not entry.startswith("."):
            breach(entry, 1, "not one of the agreed top-level entries")
    for ring in (ROOT / "Sources").iterdir():
        if ring.name not in RINGS:
            breach(ring.relative_to(ROOT), 1, "not one of the rings")
    for path in tracked():
        name = path.relative_to(ROOT)
        if path.suffix == ".swift":
            check_swift(path, name, path.read_text())
        elif path.suffix == ".md":
            check_markdown(path, name, path.read_text())
    check_make((ROOT / "Makefile").read_text())
    for line in breaches:
        print(line)
    print(f"tidy: {len(breaches)} breaches" if breaches else "tidy: clean")
    return 1 if breaches else 0


sys.exit(main())
