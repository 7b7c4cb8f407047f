"""The self-tests at the end of each part: with the keyboard alone, and without scripts."""

import pytest
import site_browser as browser

SUMMARIES = [page for page in browser.pages() if page.endswith("/summary")]


def test_every_part_has_one():
    parts = {page.split("/")[1] for page in browser.pages() if page.split("/")[-1][0].isdigit()}
    assert {page.split("/")[1] for page in SUMMARIES} == parts


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_question_is_answered_with_the_keyboard(chromium, name):
    context = browser.context(chromium)
    tab = browser.visit(context, (browser.HTML / f"{name}.html").as_uri())
    groups = tab.locator("fieldset:has(input[type=radio])")
    assert groups.count() >= 8
    focus = "document.activeElement.closest('fieldset')?.querySelector('legend')?.textContent"
    groups.first.locator("input").first.focus()
    for index in range(groups.count()):
        group = groups.nth(index)
        assert tab.evaluate(focus) == group.locator("legend").text_content()
        choices = group.locator("input").count()
        verdict = group.locator("[role=status]")
        said = []
        tab.keyboard.press("Space")
        for _ in range(choices):
            said.append(verdict.text_content())
            tab.keyboard.press("ArrowDown")
        assert sum(text.startswith("Right. ") for text in said) == 1
        assert all(len(text) > len("Not quite. ") + 5 for text in said)  # every answer is told why
        while not verdict.text_content().startswith("Right. "):
            tab.keyboard.press("ArrowDown")
        tab.keyboard.press("Tab")
        if index + 1 < groups.count():
            for _ in range(5):  # links in what was said, or in the next question, come before its answers
                if tab.evaluate("document.activeElement.type") == "radio":
                    break
                tab.keyboard.press("Tab")
    assert tab.locator(".self-test-score").text_content() == f"{groups.count()} of {groups.count()} right"
    context.close()


@pytest.mark.parametrize("name", SUMMARIES)
def test_questions_can_be_read_without_scripts(chromium, name):
    context = chromium.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((browser.HTML / f"{name}.html").as_uri())
    boxes = tab.locator(".admonition.self-test")
    assert boxes.count() >= 8
    for index in range(boxes.count()):
        assert boxes.nth(index).locator("input[checked]").count() == 1
    context.close()
