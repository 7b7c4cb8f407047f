// Self-tests: a box of class "self-test" holds a question and a task list; the right answer is the ticked one,
// and the emphasised end of an answer is what the reader is told after choosing it. Without scripts the list
// is there with its tick.
document.addEventListener("DOMContentLoaded", () => {
  const boxes = [...document.querySelectorAll(".admonition.self-test")];
  const right = new Set();
  boxes.forEach((box, number) => {
    const list = box.querySelector("ul");
    const group = document.createElement("fieldset");
    const legend = document.createElement("legend");
    list.parentNode.insertBefore(group, list);
    group.append(legend);
    // the question is the name of its group of answers
    [...box.querySelectorAll(":scope > p:not(.admonition-title)")].forEach((part) => {
      const line = document.createElement("span");
      line.append(...part.childNodes);
      legend.append(line);
      part.remove();
    });
    const verdict = document.createElement("p");
    verdict.className = "self-test-verdict";
    verdict.setAttribute("role", "status");
    list.querySelectorAll(":scope > li").forEach((item, index) => {
      const tick = item.querySelector("input");
      const correct = tick.checked;
      tick.remove();
      const said = [...item.querySelectorAll("em")].pop();
      said?.remove();
      const label = document.createElement("label");
      const choice = document.createElement("input");
      Object.assign(choice, { type: "radio", name: `self-test-${number}`, value: index });
      const text = document.createElement("span");
      const source = item.querySelector("p") ?? item;
      text.append(...source.childNodes);
      label.append(choice, text);
      choice.addEventListener("change", () => {
        verdict.replaceChildren(correct ? "Right. " : "Not quite. ", ...(said?.cloneNode(true).childNodes ?? []));
        verdict.classList.toggle("right", correct);
        correct ? right.add(number) : right.delete(number);
        score.textContent = `${right.size} of ${boxes.length} right`;
      });
      group.append(label);
    });
    list.remove();
    group.append(verdict);
  });
  const score = document.createElement("p");
  score.className = "self-test-score";
  score.setAttribute("role", "status");
  score.textContent = `0 of ${boxes.length} right`;
  boxes.at(-1)?.after(score);
});

// Lists to tick off: the browser remembers them for this page, where it may.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("article input.task-list-item-checkbox").forEach((box) => {
    const item = box.closest("li");
    const link = item.querySelector("a");
    const key = `done ${link?.hash || item.textContent.trim()}`;
    box.disabled = false;
    box.setAttribute("aria-label", `proved: ${item.textContent.trim()}`);
    try {
      box.checked = localStorage.getItem(key) === "yes";
      box.addEventListener("change", () => localStorage.setItem(key, box.checked ? "yes" : "no"));
    } catch {
      // a reader who allows no storage ticks for the moment
    }
  });
});
