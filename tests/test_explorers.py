import zlib

import numpy as np
import pytest
import traitlets

from robustnn_core import explorers, figures
from robustnn_core.explorers import Control, Series

X = np.linspace(1.0, 2.0, 5)
LABELS = dict(title="T", alt="A.", x_label="x", y_label="y")


def draw(power=1, side="left"):
    fig, ax = figures.subplots(width="narrow")
    ax.plot([0, 1], [0, power] if side == "left" else [power, 0])
    return fig


def unpacked(explorer):
    """What the front end sees: the blobs by name."""
    raw, blobs, start = zlib.decompress(explorer.data), {}, 0
    for name, length in explorer.spec["blobs"]:
        blobs[name], start = raw[start : start + length], start + length
    assert start == len(raw)
    return blobs


def table(explorer):
    """Index (combination, column) and rows, decoded as in the front end."""
    blobs = unpacked(explorer)
    planes = np.frombuffer(blobs["rows"], np.uint8).reshape(4, -1)
    rows = np.ascontiguousarray(planes.T).view("<f4").reshape(-1, explorer.spec["points"])
    return np.frombuffer(blobs["index"], "<u4").reshape(-1, explorer.spec["columns"]), rows


def test_curves_hold_every_combination_in_order():
    controls = {"a": [1.0, 2.0, 3.0], "b": ["up", "down"]}
    explorer = explorers.curves(
        lambda a, b: {"y": a * X * (1 if b == "up" else -1), "floor": a},
        controls,
        x=X,
        series=[Series("y", format=".3f"), Series("floor", style="bound")],
        **LABELS,
    )
    index, rows = table(explorer)
    flat = 0
    for a in controls["a"]:
        for b in controls["b"]:
            assert np.array_equal(rows[index[flat, 0]], X.astype("f4"))
            assert np.array_equal(rows[index[flat, 1]], (a * X * (1 if b == "up" else -1)).astype("f4"))
            assert np.allclose(rows[index[flat, 2]], a)
            flat += 1
    assert [c["type"] for c in explorer.spec["controls"]] == ["range", "select"]
    assert explorer.spec["y"]["range"] == (-6.0, 6.0)


def test_equal_curves_are_stored_once_and_digits_are_enough():
    explorer = explorers.curves(
        lambda a, b: {"y": np.exp(a * X)}, {"a": [0.1, 0.2], "b": list(range(50))}, x=X, series=["y"], **LABELS
    )
    index, rows = table(explorer)
    assert len(rows) == 3
    assert np.abs(rows[index[0, 1]] / np.exp(0.1 * X) - 1).max() < 5e-6
    assert explorer.size < 500


def test_gaps_scales_bands_cursor_and_messages():
    explorer = explorers.curves(
        lambda a: {"t": a * X, "y": np.where(X > 1.5, np.nan, X), "lo": X / 2, "hi": X * 2, "T": 1e7},
        [Control("a", [1, 2], label="α", default=2)],
        x="t",
        series=[Series("y", band=("lo", "hi")), Series("T", plot=False, format="d", unit="steps")],
        x_scale="log",
        y_scale="log",
        cursor="time",
        cursor_at=3.1,
        message=lambda a: "vacuous" if a == 1 else ["" if x < 1.5 else "late" for x in X],
        **LABELS,
    )
    index, rows = table(explorer)
    y, hidden = explorer.spec["series"]
    assert [rows[index[0, e]][0] for e in y["band"]] == [0.5, 2.0]
    assert not hidden["plot"] and rows[index[0, hidden["row"]]][0] == 1e7
    assert np.isnan(rows[index[0, 1]]).tolist() == [False, False, False, True, True]
    assert explorer.spec["y"]["range"] == (0.5, 4.0)
    assert explorer.cursor == 2 and explorer.values == {"a": 2}
    said = np.frombuffer(unpacked(explorer)["said"], "<u4").reshape(2, 5)
    texts = explorer.spec["messages"]
    assert {texts[i] for i in said[0]} == {"vacuous"}
    assert [texts[i] for i in said[1]] == ["", "", "late", "late", "late"]


def test_frames_hold_every_drawing_in_order():
    explorer = explorers.frames(
        draw, {"power": [1, 2], "side": ["left", "right"]}, title="T", alt=lambda power, side: f"{power} {side}"
    )
    blobs = unpacked(explorer)
    ends = np.cumsum(explorer.spec["lengths"])
    drawings = [blobs["frames"][end - size : end].decode() for end, size in zip(ends, explorer.spec["lengths"])]
    index = np.frombuffer(blobs["index"], "<u4")
    expected = [figures.svg(draw(p, s), alt="T") for p in (1, 2) for s in ("left", "right")]
    assert [drawings[i] for i in index] == expected
    assert explorer.spec["alt"] == ["1 left", "1 right", "2 left", "2 right"]


def test_state_can_be_set_and_is_validated():
    explorer = explorers.frames(draw, {"power": [1, 2], "side": ["left", "right"]}, title="T", alt="A.")
    assert explorer.choose(side="right").selection == [0, 1]
    seen = []
    explorer.observe(lambda change: seen.append(explorer.values), "selection")
    explorer.selection = [1, 0]
    assert seen == [{"power": 2, "side": "left"}]
    with pytest.raises(ValueError, match="must be one of"):
        explorer.choose(power=7)
    with pytest.raises(ValueError, match="control"):
        explorer.choose(colour=1)
    for bad in ([0], [0, 2], [-1, 0]):
        with pytest.raises(traitlets.TraitError, match="selection"):
            explorer.selection = bad


@pytest.mark.parametrize("kind", ["frames", "curves"])
def test_viewers_without_widgets_get_a_picture_and_words(kind):
    if kind == "frames":
        explorer = explorers.frames(draw, {"power": [1, 2]}, title="Powers", alt="A line.")
    else:
        explorer = explorers.curves(
            lambda a: {"y": a * X, "lo": X, "hi": 3 * X, "b": 2, "p": X},
            {"a": [1, 2]},
            x=X,
            series=[Series("y", band=("lo", "hi")), Series("b", style="bound"), Series("p", style="points")],
            title="Powers",
            alt="A line.",
            x_label="x",
            y_label="y",
        )
    data, _ = explorer._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
    assert "Powers" in data["text/plain"] and "A line." in data["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_how_values_are_written():
    assert Control("a", [0.1, -2.0]).texts == ("0.1", "−2")
    assert Control("a", [0.5], format=".0%").texts == ("50%",)
    assert Control("a", [5], unit="steps").texts == ("5 steps",)
    assert Control("a", [True, False]).texts == ("yes", "no")
    assert Control("a", np.array([1.5]), format=lambda v: f"<{v}>").texts == ("<1.5>",)


def curve(compute=lambda a: {"y": a * X}, controls=None, **keywords):
    return explorers.curves(
        compute, {"a": [1, 2]} if controls is None else controls, **{"x": X, "series": ["y"], **LABELS, **keywords}
    )


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: curve(controls={}), "controls is empty"),
        (lambda: curve(controls={"a": []}), "no values"),
        (lambda: curve(controls={"a": [1, 1]}), "repeated"),
        (lambda: curve(controls={"not a name": [1]}), "identifier"),
        (lambda: curve(controls=[Control("a", [1]), Control("a", [2])]), "repeats a name"),
        (lambda: curve(controls={"a": range(400), "b": range(400)}), "160,000 combinations"),
        (lambda: Control("a", [1], default=2), "default"),
        (lambda: curve(lambda a: {"y": X[:3]}), "x has 5 points"),
        (lambda: curve(lambda a: {"z": X}), "no 'y'"),
        (lambda: curve(lambda a: X), "return a dict"),
        (lambda: curve(lambda a: {"y": X, "t": X[:a]}, x="t", series=[Series("y", plot=True)]), "x has"),
        (lambda: curve(lambda a: {"y": 1.0, "t": X[: a + 1]}, x="t"), "one length"),
        (lambda: curve(series=[Series("y", plot=False)]), "draws nothing"),
        (lambda: curve(series=["y", "y"]), "repeats a name"),
        (lambda: curve(lambda a: {"y": -X}, y_scale="log"), "positive"),
        (lambda: curve(lambda a: {"y": X * np.nan}), "finite"),
        (lambda: curve(x=X - 1, x_scale="log"), "logarithmic"),
        (lambda: curve(y_range=(2, 1)), "must increase"),
        (lambda: curve(y_scale="cubic"), "y_scale"),
        (lambda: curve(x_format="s"), "x_format"),
        (lambda: curve(title=""), "title"),
        (lambda: curve(alt=" "), "alt"),
        (lambda: curve(message=lambda a: ["one"]), "message"),
        (lambda: Series("y", style="wavy"), "style"),
        (lambda: Series("y", format="x"), "format"),
        (lambda: Series("y", band=("a",)), "band"),
        (lambda: explorers.frames(draw, {"power": range(301)}, title="T", alt="A."), "301 combinations"),
        (
            lambda: explorers.frames(lambda power: 1, {"power": [1]}, title="T", alt="A."),
            "return the matplotlib Figure",
        ),
        (lambda: explorers.frames(draw, {"power": [1]}, title="T", alt=""), "alt"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_too_much_data_is_refused(monkeypatch):
    monkeypatch.setattr("robustnn_core.explorers.widget.MAX_BYTES", 1000)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="fewer values"):
        curve(lambda a: {"y": rng.random(X.size)}, {"a": range(500)})


def test_nothing_is_printed(capfd):
    curve(controls={"a": range(1000)})
    assert capfd.readouterr() == ("", "")
