// Cards: a reference to a statement, formula, figure, exercise or work shows what it leads to, by pointing, by
// focus or by a first tap. The texts come from _static/cards/PAGE.js through a script, for file:// as well.
(() => {
  const root = new URL(document.documentElement.dataset.content_root || "./", location.href).href;
  const asked = new Map(); // page -> promise of its cards
  const arrived = new Map(); // page -> what to do when they come
  const script = (src) => new Promise((done, failed) => {
    const made = Object.assign(document.createElement("script"), { src, onload: done, onerror: failed });
    document.head.append(made);
  });
  let library;
  const tippyReady = () => (library ??= script(`${root}_static/vendor/popper.js`).then(() => script(`${root}_static/vendor/tippy.js`)));

  window.bookCards = (page, found) => arrived.get(page)?.(found);
  const cardsOf = (page) => {
    if (!asked.has(page)) {
      asked.set(page, new Promise((done) => {
        arrived.set(page, done);
        script(`${root}_static/cards/${page.replaceAll("/", "-")}.js`).catch(() => done(null));
      }));
    }
    return asked.get(page);
  };

  // The glyphs of a card's formulas that this page has not used yet.
  function bring(glyphs) {
    let defs = document.querySelector("svg.glyphs defs");
    if (!defs) {
      document.body.insertAdjacentHTML("afterbegin", '<svg class="glyphs" width="0" height="0" aria-hidden="true"><defs></defs></svg>');
      defs = document.querySelector("svg.glyphs defs");
    }
    for (const [id, d] of Object.entries(glyphs)) {
      if (document.getElementById(id)) continue;
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.id = id;
      path.setAttribute("d", d);
      defs.append(path);
    }
  }

  function aim(link) {
    const to = new URL(link.href, location.href);
    const path = to.href.split("#")[0].split("?")[0];
    if (!to.hash || !path.startsWith(root)) return null;
    return { page: path.slice(root.length).replace(/\.html$/, ""), anchor: decodeURIComponent(to.hash.slice(1)) };
  }

  const cards = new WeakMap(); // link -> promise of its card
  const attach = (link) => {
    if (!cards.has(link)) cards.set(link, made(link));
    return cards.get(link);
  };
  async function made(link) {
    const { page, anchor } = aim(link);
    const found = await cardsOf(page);
    const text = found?.cards[anchor];
    if (!text) return null;
    await tippyReady();
    bring(found.glyphs);
    const body = document.createElement("div");
    body.className = "book-card bd-article";
    body.innerHTML = text.replaceAll('="@/', `="${root}`);
    return card(link, body);
  }

  function card(at, body) {
    return tippy(at, {
      content: body,
      interactive: true,
      appendTo: () => document.body,
      trigger: "mouseenter focus",
      delay: [250, 120],
      maxWidth: "min(38rem, calc(100vw - 1rem))",
      theme: "card",
      role: "dialog",
      aria: { content: null },
      touch: false, // a tap is dealt with below
    });
  }

  // What the notation page says of a formula that is a symbol, or begins with one and a relation.
  const here = location.href.split("#")[0].split("?")[0].slice(root.length).replace(/\.html$/, "");
  const plain = (tex) => tex.replace(/\\[,;!]|[\s{}]/g, "").replace(/[.,;]+$/, "");
  async function symbol(formula) {
    const found = await cardsOf("symbols");
    if (!found) return null;
    const whole = formula.dataset.tex;
    const head = whole.split(/=|<|>|\\(?:le|ge|in|to|sim|ne|approx|subset)\b/)[0];
    const near = (scope) => (scope === here ? 3 : scope && here.startsWith(scope.replace(/[^/]*$/, "")) ? 2 : scope === "" ? 1 : 0);
    for (const tex of [plain(whole), plain(head)]) {
      const hits = found.symbols.filter((entry) => near(entry.scope) && entry.tex.some((name) => plain(name) === tex));
      if (!hits.length) continue;
      const best = hits.reduce((a, b) => (near(b.scope) > near(a.scope) ? b : a));
      await tippyReady();
      bring(found.glyphs);
      const body = document.createElement("div");
      body.className = "book-card bd-article";
      body.innerHTML = `<p>${best.text.replaceAll('="@/', `="${root}`)} <a href="${root}${best.url}">Where</a></p>`;
      return card(formula, body);
    }
    return null;
  }
  const pointed = (event) => event.target.closest?.(".bd-article span.math[data-tex]");
  document.addEventListener("mouseover", async (event) => {
    const formula = pointed(event);
    if (!formula || cards.has(formula) || formula.closest(".book-card, a")) return;
    cards.set(formula, symbol(formula));
    const shown = await cards.get(formula);
    if (shown && formula.matches(":hover")) shown.show();
  });

  const LINKS = ".bd-article a[href*='#']:not(.headerlink)";
  const wanted = (event) => {
    const link = event.target.closest?.(LINKS);
    return link && aim(link) ? link : null;
  };
  document.addEventListener("mouseover", async (event) => {
    const link = wanted(event);
    if (!link || cards.has(link)) return;
    const card = await attach(link);
    if (card && link.matches(":hover")) card.show();
  });
  document.addEventListener("focusin", async (event) => {
    const link = wanted(event);
    if (!link || cards.has(link) || !link.matches(":focus-visible")) return;
    const card = await attach(link);
    if (card && document.activeElement === link) card.show();
  });
  // The first tap shows the card, with a way on; the second follows the link.
  document.addEventListener("click", (event) => {
    const link = wanted(event);
    if (!link || event.pointerType !== "touch" || link.closest(".book-card") || link._tippy?.state.isVisible || link.dataset.plain) return;
    event.preventDefault();
    attach(link).then((card) => {
      if (!card) { link.dataset.plain = "yes"; link.click(); return; }
      if (!card.props.content.querySelector(".card-on")) {
        const on = Object.assign(document.createElement("a"), { className: "card-on", href: link.href, textContent: "Go there" });
        card.props.content.append(on);
      }
      card.show();
    });
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") window.tippy?.hideAll(); });

  // What is copied has its formulas as TeX.
  document.addEventListener("copy", (event) => {
    const chosen = getSelection();
    if (!chosen.rangeCount || chosen.isCollapsed) return;
    const copy = chosen.getRangeAt(0).cloneContents();
    const formulas = copy.querySelectorAll("[data-tex]");
    if (!formulas.length) return;
    formulas.forEach((formula) => {
      const mark = formula.tagName === "DIV" ? "$$" : "$";
      const drawn = formula.querySelector("mjx-container");
      formula.querySelector(".eqno")?.remove();
      drawn?.replaceWith(`${mark}${formula.dataset.tex.trim()}${mark}`);
    });
    event.clipboardData.setData("text/plain", copy.textContent);
    event.preventDefault();
  });
})();
