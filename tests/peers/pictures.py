"""Pictures of the studies: SVG files whose bytes do not change from run to run."""

from environment import ROOT

PICTURES = ROOT / "docs" / "pictures"


def pyplot():
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "ran", "font.size": 9, "svg.fonttype": "none"})
    import matplotlib.pyplot

    return matplotlib.pyplot


def save(figure, name):
    figure.savefig(PICTURES / name, metadata={"Date": None}, facecolor="white")
    print(f"written: {PICTURES.relative_to(ROOT) / name}")
