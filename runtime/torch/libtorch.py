#!/usr/bin/env python3
"""Finds libtorch, or assembles it from Python wheels, and tells cargo where it is.

    python3 runtime/torch/libtorch.py

In this order, the first that fits is used:

1. the folder that the environment variable LIBTORCH names,
2. the torch package of the `python3` that runs this script,
3. a libtorch in the user's cache folder, assembled from pinned wheels: downloaded with pip, which verifies their hashes,
   unpacked once, and shared by every checkout. Each file's own hash is verified whenever it is used again.

Fits means: the version below, which is the one that the crate `tch` is generated from. The answer is written to
`.cargo/config.toml` as the variable LIBTORCH of cargo's environment, so that `cargo build -p nasc-torch` works by hand.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

VERSION = "2.11.0"

# One build for every Python: what is taken out of it is plain C++. With the CUDA runtime's two small libraries, which
# libtorch_cpu.so names, the wheel's CPU half works alone.
WHEELS = {
    f"torch=={VERSION}": "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
    "nvidia-cuda-runtime==13.0.96": "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    "nvidia-cuda-cupti==13.0.85": "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
}
PLATFORMS = ["manylinux_2_28_x86_64", "manylinux_2_25_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]
LIBRARIES = ["libtorch_cpu.so", "libc10.so", "libgomp.so.1", "libcudart.so.13", "libcupti.so.13"]
DOWNLOAD = "540 MB"
CHECKOUT = Path(__file__).resolve().parents[2]


def main() -> int:
    try:
        folder, origin = find()
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    configure(folder)
    print(f"libtorch {VERSION}: {folder} ({origin})")
    return 0


class SetupError(Exception):
    """Something that a person has to mend."""


def find() -> tuple[Path, str]:
    """The folder that holds `lib/` and `include/`, and where it comes from."""
    named = os.environ.get("LIBTORCH")
    if named:
        folder = Path(named).resolve()
        version = version_of(folder)
        if version is None:
            raise SetupError(f"LIBTORCH names {folder}, which holds no libtorch; unset it, or name a folder with lib/ and include/")
        if not fits(version):
            raise SetupError(f"LIBTORCH names {folder}, which holds version {version}; {VERSION} is needed. Unset it to use another")
        return folder, "from the variable LIBTORCH"
    folder = python_torch()
    if folder is not None:
        return folder, "this Python's torch package"
    return cached()


def fits(version: str) -> bool:
    return version.split("+")[0] == VERSION


def version_of(folder: Path) -> str | None:
    """The version of a libtorch, by the file that its distribution or its Python package carries; `None` if it is none."""
    if not ((folder / "lib" / "libtorch_cpu.so").is_file() and (folder / "include" / "torch").is_dir()):
        return None
    for name in ("build-version", "version.py"):
        file = folder / name
        if file.is_file():
            found = re.search(r"\d+\.\d+\.\d+(\+\w+)?", file.read_text())
            if found:
                return found[0]
    return "unknown"


def python_torch() -> Path | None:
    """The torch package of this Python, without importing it (which takes seconds)."""
    import importlib.util

    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).resolve().parent
    version = version_of(folder)
    return folder if version is not None and fits(version) else None


def cached() -> tuple[Path, str]:
    """The libtorch in the cache folder, assembled first if it is not there or is not whole."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nasc"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"libtorch-{VERSION}-cpu"
    with open(cache / "libtorch.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second set-up waits for the first
        if folder.is_dir():
            damage = damaged(folder)
            if damage is None:
                return folder, "assembled before, its hashes verified"
            print(f"{folder}: {damage}; assembling it again")
            shutil.rmtree(folder)
        assemble(cache, folder)
    return folder, "assembled from wheels"


def assemble(cache: Path, folder: Path) -> None:
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise SetupError("no libtorch is known here for this platform; install one yourself and set LIBTORCH to its folder")
    began = time.monotonic()
    print(f"downloading libtorch {VERSION} as Python wheels ({DOWNLOAD}) into {cache}", flush=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="unpack-") as temporary:
        wheels, unpacked = Path(temporary) / "wheels", Path(temporary) / "libtorch"
        download(wheels)
        downloaded = time.monotonic()
        for wheel in sorted(wheels.iterdir()):
            unpack(wheel, unpacked)
        missing = [name for name in LIBRARIES if not (unpacked / "lib" / name).is_file()]
        if missing:
            raise SetupError(f"the wheels hold no {', '.join(missing)}")
        # Linkers ask for `-ltorch`; it holds nothing but names the library that does.
        subprocess.run(
            ["cc", "-shared", "-o", "libtorch.so", "-Wl,--no-as-needed", "-L.", "-ltorch_cpu", "-lc10", "-Wl,-rpath,$ORIGIN",
             "-Wl,--allow-shlib-undefined", "-x", "c", "/dev/null"],
            cwd=unpacked / "lib", check=True)  # fmt: skip
        (unpacked / "build-version").write_text(f"{VERSION}+cpu\n")
        sums = {name: digest(unpacked / "lib" / name) for name in [*LIBRARIES, "libtorch.so"]}
        (unpacked / "sums.json").write_text(json.dumps(sums, indent=1) + "\n")
        unpacked.rename(folder)
    print(f"downloaded in {downloaded - began:.0f} s, unpacked in {time.monotonic() - downloaded:.0f} s", flush=True)


def download(wheels: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.writelines(f"{name} --hash=sha256:{sha}\n" for name, sha in WHEELS.items())
        requirements.flush()
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "-r", requirements.name, "-d", str(wheels), "--only-binary=:all:"]
        command += ["--implementation", "cp", "--python-version", "3.11", "--abi", "cp311", "--abi", "none"]
        for platform in PLATFORMS:
            command += ["--platform", platform]
        if subprocess.run(command).returncode != 0:
            raise SetupError("pip could not download the wheels; see its message above. `python3 -m pip` and a network are needed")


def unpack(wheel: Path, into: Path) -> None:
    """Takes out `lib/` (only the libraries that a CPU needs) and `include/`."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            path = Path(entry.filename)
            if path.name in LIBRARIES:
                target = into / "lib" / path.name
            elif entry.filename.startswith("torch/include/") and not entry.is_dir() and ".." not in path.parts:
                target = into / path.relative_to("torch")
            else:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, open(target, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)


def damaged(folder: Path) -> str | None:
    """What is wrong with an assembled libtorch; `None` if nothing is."""
    try:
        sums = json.loads((folder / "sums.json").read_text())
    except (OSError, ValueError):
        return "its list of hashes is missing"
    for name in [*LIBRARIES, "libtorch.so"]:
        file = folder / "lib" / name
        if not file.is_file() or digest(file) != sums.get(name):
            return f"lib/{name} is damaged"
    return None


def digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def configure(folder: Path) -> None:
    """Writes `.cargo/config.toml`, which git ignores, unless it says the same already."""
    file = CHECKOUT / ".cargo" / "config.toml"
    text = f"# Written by runtime/torch/libtorch.py.\n[env]\nLIBTORCH = {json.dumps(str(folder))}\n"
    if file.is_file():
        existing = file.read_text()
        if existing == text:
            return
        if not existing.startswith("# Written by runtime/torch/libtorch.py."):
            raise SetupError(f"{file} is yours; add to it:\n[env]\nLIBTORCH = {json.dumps(str(folder))}")
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
