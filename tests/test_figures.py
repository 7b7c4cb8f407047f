import re
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest

from robustnn_core import figures

SVG = "{http://www.w3.org/2000/svg}"


def luminance(color):
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot([0.2126, 0.7152, 0.0722], channels))


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def drawing():
    fig, ax = figures.subplots()
    ax.plot([0, 1, 2], [1, 3, 2], label=r"$\theta = 0.1$")
    ax.set(xlabel="t", ylabel="error")
    figures.bound(ax, 2.5, "floor")
    ax.legend()
    return fig


@pytest.mark.parametrize("page", ["#ffffff", "#14181e", "#121212"])
@pytest.mark.parametrize("color", figures.PALETTE)
def test_every_colour_is_legible_on_light_and_dark(color, page):
    assert contrast(color, page) >= 3.0


def simulate(color, kind):
    """Linear RGB of a colour as a dichromat sees it (Machado, Oliveira & Fernandes 2009, severity 1)."""
    matrix = {
        "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    }[kind]
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.asarray(matrix) @ np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("kind", ["protan", "deutan"])
def test_the_first_colours_stay_apart_for_colour_blind_readers(kind):
    seen = [simulate(c, kind) for c in figures.PALETTE[:3]]
    assert min(np.abs(a - b).max() for i, a in enumerate(seen) for b in seen[:i]) > 0.1


def test_colours_come_with_different_dashes_and_markers():
    assert len(figures.PALETTE) == len(set(figures.DASHES)) == len(set(figures.MARKERS))
    fig, ax = figures.subplots()
    lines = [ax.plot([0, 1], [i, i])[0] for i in range(len(figures.PALETTE))]
    assert len({(line.get_color(), str(line._dash_pattern)) for line in lines}) == len(lines)
    assert len({str(line._dash_pattern) for line in lines}) == len(lines)


def test_svg_is_one_inline_element_in_the_colour_of_the_text():
    text = figures.svg(drawing(), alt='A "rising" <line>.')
    root = ElementTree.fromstring(text)
    assert root.tag == SVG + "svg"
    assert root.get("role") == "img" and root.get("aria-label") == 'A "rising" <line>.'
    assert root.get("fill") == "currentColor"
    assert "width:100%" in root.get("style") and "height:auto" in root.get("style")
    assert "currentColor" in text and "#000000" not in text and "#ffffff" not in text
    for unwanted in ("<?xml", "<!DOCTYPE", "<metadata", "<style", "<!--", "dc:date"):
        assert unwanted not in text


def test_svg_is_deterministic_and_its_ids_are_its_own():
    one, same = (figures.svg(drawing(), alt="a") for _ in range(2))
    assert one == same
    fig = drawing()
    fig.axes[0].plot([0, 2], [0, 0])
    other = figures.svg(fig, alt="a")
    ids = [set(re.findall(r'\bid="([^"]*)"', text)) for text in (one, other)]
    assert ids[0] and not ids[0] & ids[1]
    for text, own in zip((one, other), ids):
        used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
        assert used == own


def test_shortened_numbers_keep_the_picture():
    fig, ax = figures.subplots()
    ax.plot(np.linspace(0, 1, 50), np.linspace(0, 1, 50) ** 2)
    text = figures.svg(fig, alt="a")
    assert not re.search(r' d="[^"]*\d\.\d{3}', text)
    assert "scale(0.015625)" in text


def test_show_needs_words():
    for alt in ("", "  ", None):
        with pytest.raises(ValueError, match="alt"):
            figures.show(drawing(), alt=alt)
    with pytest.raises(ValueError, match="fig is a"):
        figures.show([1], alt="a")


def test_show_gives_svg_png_and_text():
    bundle = figures.show(drawing(), alt="A line.")._repr_mimebundle_()
    assert bundle["text/html"].startswith("<div") and "<svg" in bundle["text/html"]
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert bundle["text/plain"] == "Figure: A line."
    fig, _ = figures.subplots(1, 2, width="wide")
    assert 'tabindex="0"' in figures.show(fig, alt="Two panels.")._repr_mimebundle_()["text/html"]


def test_show_closes_figures_of_pyplot():
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    fig, _ = plt.subplots()
    number = fig.number
    figures.show(fig, alt="Empty axes.")
    assert not plt.fignum_exists(number)


def test_bounds_are_neutral_and_differ():
    fig, ax = figures.subplots()
    one, two = figures.bound(ax, 1.0, "one"), figures.bound(ax, ([0, 1], [1, 2]), "two", side="left", below=True)
    assert one.get_color() == two.get_color() == figures.NEUTRAL
    assert one._dash_pattern != two._dash_pattern
    assert {text.get_text() for text in ax.texts} == {"one", "two"}
    with pytest.raises(ValueError, match="value"):
        figures.bound(ax, np.inf, "vacuous")
    with pytest.raises(ValueError, match="side"):
        figures.bound(ax, 1.0, "a", side="top")


def test_fonts_are_readable_on_a_phone():
    with figures.style():
        sizes = [
            matplotlib.rcParams[k]
            for k in ("font.size", "xtick.labelsize", "ytick.labelsize", "legend.fontsize", "axes.labelsize")
        ]
    assert min(sizes) / figures.WIDTHS["text"] >= 9 / 6.4


def test_bad_sizes():
    for keywords in ({"width": "huge"}, {"width": -1}, {"height": 0}, {"nrows": 0}):
        with pytest.raises(ValueError):
            figures.subplots(**keywords)
