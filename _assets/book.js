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

  // What scrolls sideways must be reachable from the keyboard.
  const reachable = () =>
    document.querySelectorAll(".bd-article div.math, .bd-article .pst-scrollable-table-container, .bd-article pre, .bd-article .text_html").forEach((box) => {
      if (box.scrollWidth > box.clientWidth + 1 && !box.querySelector("[tabindex='0']")) box.tabIndex = 0;
    });

  // A formula inside a line that is wider than its column scrolls too. Only those: a box that scrolls
  // no longer sits on the line's baseline.
  const wide = () =>
    document.querySelectorAll(".bd-article span.math > mjx-container").forEach((formula) => {
      formula.classList.remove("wide");
      const column = formula.closest("p, li, td, th, dd, dt, figcaption, div");
      if (formula.getBoundingClientRect().width > column.clientWidth) formula.classList.add("wide");
    });
  const fit = () => { wide(); reachable(); };
  window.addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(fit));
  window.addEventListener("resize", fit);
});
