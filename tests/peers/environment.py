"""A virtual environment for a script that needs a package."""

import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def ensure_package(module, package, folder):
    """Goes on in an environment that has the package (several with spaces between), making one in `folder` if there is none."""
    if importlib.util.find_spec(module):
        return
    python = folder / "bin" / "python"
    if Path(sys.prefix).resolve() == folder.resolve():
        sys.exit(f"the package cannot be imported in {folder}; delete the folder and try again")
    if not python.exists():
        venv.create(folder, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *package.split()], check=True)
    os.execv(python, [str(python), *sys.argv])
