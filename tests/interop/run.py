#!/usr/bin/env python3
"""Checks attune against transformers, peft and tokenizers themselves, in both directions.

    tests/interop/run.py [--binary build/release/attune] [NAME ...]      NAME: part of a test's name, for example adapters_out

The packages of tools/requirements.txt come from the Python named by ATTUNE_PYTHON, else from build/.venv, which is made when absent.
Exit status: 0 all equal, 1 a difference, 2 the program or the packages are not there.
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tools" / "requirements.txt"


def stop(text: str):
    print(f"interop: {text}", file=sys.stderr)
    sys.exit(2)


def pinned() -> dict:
    lines = (line.strip() for line in REQUIREMENTS.read_text().splitlines())
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def differing(python: str) -> list:
    """Packages of the requirements that this Python lacks or has in another version."""
    code = ("import importlib.metadata as m, sys\n"
            "for p in sys.argv[1:]:\n"
            "    try: print(p, m.version(p).split('+')[0])\n"
            "    except m.PackageNotFoundError: print(p, 'none')\n")
    want = pinned()
    out = subprocess.run([python, "-c", code, *want], capture_output=True, text=True)
    if out.returncode:
        return [f"{python}: {out.stderr.strip()}"]
    have = dict(line.split() for line in out.stdout.splitlines())
    return [f"{p} {have[p]}, wanted {v}" for p, v in want.items() if have[p] != v]


def python_with_packages() -> str:
    given = os.environ.get("ATTUNE_PYTHON")
    if given:
        wrong = differing(given)
        if wrong:
            stop(f"ATTUNE_PYTHON={given} differs from tools/requirements.txt: {'; '.join(wrong)}")
        return given
    folder = ROOT / "build" / ".venv"
    python = str(folder / "bin" / "python")
    if not Path(python).exists() or differing(python):
        print(f"interop: installing {REQUIREMENTS.relative_to(ROOT)} into {folder.relative_to(ROOT)}", file=sys.stderr)
        # --without-pip: Debian's base has no ensurepip; the outer pip installs into the environment
        for command in ([sys.executable, "-m", "venv", "--without-pip", str(folder)],
                        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "-r", str(REQUIREMENTS)]):
            if subprocess.run(command).returncode:
                stop(f"failed: {' '.join(command)}; set ATTUNE_PYTHON to a Python that has the packages")
    return python


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--binary", default=str(ROOT / "build" / "release" / "attune"))
    options.add_argument("names", nargs="*")
    given = options.parse_args()
    binary = Path(given.binary).resolve()
    if not binary.is_file():
        stop(f"{binary} is not there: cmake --preset release && cmake --build --preset release")
    tests = ["-m", "unittest", "discover", "-s", str(Path(__file__).parent), "-t", str(Path(__file__).parent), "-v"]
    for name in given.names:
        tests += ["-k", name]
    environment = {**os.environ, "ATTUNE_BINARY": str(binary), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false",
                   "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
    sys.exit(1 if subprocess.run([python_with_packages(), *tests], cwd=ROOT, env=environment).returncode else 0)


if __name__ == "__main__":
    main()
