window.Search = undefined; // the theme asks whether Sphinx's search is there; ours stands on the search page

// Repairs of the theme that style sheets cannot make, for readers who do not use a mouse or a screen.
document.addEventListener("DOMContentLoaded", () => {
  // The bibliography's entries carry a role that no longer exists inside a list.
  document.querySelectorAll(".citation-list > .citation").forEach((entry) => entry.setAttribute("role", "listitem"));

  // The sidebar is a region of the page; a button's name is what is written on it.
  const sidebar = document.querySelector(".bd-sidebar-primary");
  sidebar?.setAttribute("role", "complementary");
  sidebar?.setAttribute("aria-label", "Book");
  document.querySelectorAll(".search-button-field, .theme-switch-button").forEach((button) => button.removeAttribute("aria-label"));
  window.addEventListener("load", () => document.querySelectorAll("summary[aria-label]").forEach((title) => title.removeAttribute("aria-label")));

  // What scrolls sideways can be reached from the keyboard and fades where there is more; nothing else is a stop.
  const BOXES = "div.math > .formula, mjx-container.wide, .pst-scrollable-table-container, .text_html, .ledger-scroll, .rnn-figure, #statement-map, pre";
  const fade = (box) => {
    const over = box.scrollWidth - box.clientWidth;
    box.classList.toggle("more-left", over > 1 && box.scrollLeft > 1);
    box.classList.toggle("more-right", over > 1 && box.scrollLeft < over - 1);
  };
  const heard = new WeakSet();
  const reachable = () => {
    for (const box of document.querySelectorAll(BOXES.split(", ").map((name) => `.bd-article ${name}`).join(", "))) {
      const scrolls = box.scrollWidth > box.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
      if (scrolls && !heard.has(box)) { heard.add(box); box.addEventListener("scroll", () => fade(box), { passive: true }); }
      if (heard.has(box)) fade(box);
      if (scrolls && !box.querySelector("[tabindex='0']")) box.tabIndex = 0;
      else if (!box.hasAttribute("role")) box.removeAttribute("tabindex");
    }
  };

  // A formula inside a line that is wider than its column scrolls too. Only those: a box that scrolls
  // no longer sits on the line's baseline.
  const wide = () =>
    document.querySelectorAll(".bd-article span.math > mjx-container").forEach((formula) => {
      formula.classList.remove("wide", "more-left", "more-right");
      formula.removeAttribute("tabindex");
      const column = formula.closest("p, li, td, th, dd, dt, figcaption, div");
      if (formula.getBoundingClientRect().width > column.clientWidth) formula.classList.add("wide");
    });
  const fit = () => { wide(); reachable(); };
  const soon = () => requestAnimationFrame(fit);
  document.addEventListener("toggle", soon, true); // what was folded has a width now
  const article = document.querySelector(".bd-article");
  if (article) new ResizeObserver(soon).observe(article);
});
