"""Self-tests: the right answer stands anywhere, equally often; where, a fixed seed decides."""

import random

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform


def places(count, size, rng):
    """Return where the right answer of each of ``count`` questions stands, of ``size`` places: all equally often."""
    found = [i % size for i in range(count)]
    rng.shuffle(found)
    return found


class ShuffleAnswers(SphinxPostTransform):
    default_priority = 5

    def run(self, **_):
        boxes = [box for box in self.document.findall(nodes.Admonition) if "self-test" in box.get("classes", ())]
        lists = [next(box.findall(nodes.bullet_list)) for box in boxes]
        rng = random.Random(self.env.docname)
        for size in sorted({len(answers) for answers in lists}):
            same = [answers for answers in lists if len(answers) == size]
            for answers, place in zip(same, places(len(same), size, rng), strict=True):
                right = [item for item in answers if any("checked" in raw.astext() for raw in item.findall(nodes.raw))]
                wrong = [item for item in answers if item not in right]
                rng.shuffle(wrong)
                answers.children = [*wrong[:place], *right, *wrong[place:]]


def setup(app):
    app.add_post_transform(ShuffleAnswers)
