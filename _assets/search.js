// The search page: MiniSearch over what search-data.js brings (sections, statements, symbols), read from a script
// because browsers refuse to fetch on file://.
const words = (text) => {
  const found = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().match(/[\p{L}\p{N}]+(?:[._'’-][\p{L}\p{N}]+)*/gu) ?? [];
  // sharp_bound is found under its parts too; 12.2 is not found under 2
  return found.flatMap((word) => (/[^\d.]/.test(word) && /[._'’-]/.test(word) ? [word, ...word.split(/[._'’-]/)] : [word]));
};

window.bookSearch = (entries) => {
  const index = new MiniSearch({
    fields: ["title", "number", "page", "text", "code"],
    storeFields: ["kind"],
    tokenize: words,
    processTerm: (term) => term || null,
    searchOptions: {
      boost: { number: 8, title: 4, page: 1.5, code: 0.7 },
      boostDocument: (_, __, stored) => ({ statement: 2.2, symbol: 1.6, section: 1 })[stored.kind] ?? 0.7,
      prefix: (term) => term.length > 2 && !/^\d/.test(term),
      fuzzy: (term) => (term.length > 5 ? 0.15 : 0),
      combineWith: "AND",
    },
  });
  index.addAll(entries.map((entry, id) => ({ id, ...entry })));

  const list = document.getElementById("search-results");
  const count = document.getElementById("search-count");
  const field = document.querySelector(".bd-search-container input[type=search]");

  function snippet(text, terms) {
    const lower = text.toLowerCase();
    const places = terms.map((term) => lower.indexOf(term)).filter((at) => at >= 0);
    const start = places.length ? Math.max(0, Math.min(...places) - 70) : 0;
    const from = start ? text.indexOf(" ", start) + 1 : 0;
    const part = text.slice(from, from + 220);
    const line = document.createElement("p");
    const marks = terms.filter((term) => term.length > 1).map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const pieces = marks.length ? part.split(new RegExp(`(${marks.join("|")})`, "i")) : [part];
    line.append(from ? "… " : "", ...pieces.map((piece, i) => {
      if (i % 2 === 0) return piece;
      const mark = document.createElement("mark");
      mark.textContent = piece;
      return mark;
    }), from + 220 < text.length ? " …" : "");
    return line;
  }

  function show(query) {
    list.replaceChildren();
    if (!query.trim()) { count.textContent = ""; return; }
    let hits = index.search(query);
    if (!hits.length) hits = index.search(query, { combineWith: "OR" });
    const typed = words(query);
    count.textContent = hits.length ? `${hits.length} ${hits.length === 1 ? "place" : "places"}` : "Nothing found. Fewer or other words may help.";
    for (const hit of hits.slice(0, 40)) {
      const entry = entries[hit.id];
      const item = document.createElement("li");
      const link = document.createElement("a");
      const [page, anchor] = entry.url.split("#");
      link.href = `${page}?highlight=${encodeURIComponent(query.trim())}${anchor ? `#${anchor}` : ""}`;
      link.textContent = [entry.number && entry.kind !== "section" ? entry.number : "", entry.kind === "figure" ? "" : entry.title].filter(Boolean).join(": ");
      const place = document.createElement("span");
      place.textContent = entry.page;
      item.append(link, place, snippet(entry.text || entry.code, [...new Set([...hit.terms, ...typed])]));
      list.append(item);
    }
  }

  const asked = new URLSearchParams(location.search).get("q") ?? "";
  field.value = asked;
  field.focus();
  show(asked);
  field.addEventListener("input", () => {
    show(field.value);
    try { history.replaceState(null, "", `?q=${encodeURIComponent(field.value)}`); } catch { /* a browser that refuses on file:// */ }
  });
  field.form.addEventListener("submit", (event) => { event.preventDefault(); show(field.value); });
};
