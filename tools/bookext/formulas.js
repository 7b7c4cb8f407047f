// Turn TeX into what a page shows. One JSON request a line on stdin, {tex, display}; one answer a line on stdout,
// {svg, mml, glyphs: {id: path}} or {error}. Started by formulas.py: node formulas.js FOLDER_OF_MATHJAX MACROS
const [folder, macros] = process.argv.slice(2);

require(`${folder}/node-main.js`).init({
  loader: { load: ["input/tex", "output/svg"], paths: { mathjax: folder }, require },
  tex: {
    macros: JSON.parse(macros),
    packages: { "[-]": ["noundefined", "noerrors"] }, // what is wrong stops the build instead of turning red
    formatError: (_, error) => { throw error; },
  },
  svg: { fontCache: "global" },
  startup: { typeset: false },
}).then((MathJax) => {
  const adaptor = MathJax.startup.adaptor;
  const cache = () => MathJax.startup.output.fontCache.defs;

  const escape = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

  // The drawing without what only MathJax's own scripts read: a third of the bytes.
  const used = new Set();
  function compact(node) {
    const kind = adaptor.kind(node);
    if (kind === "#text") return escape(adaptor.value(node));
    const inner = adaptor.childNodes(node).map(compact).join("");
    const attributes = [];
    for (const { name, value } of adaptor.allAttributes(node)) {
      if (name === "id" || name.startsWith("data-") || name.startsWith("xmlns")) continue;
      if (name === "xlink:href") {
        used.add(value.slice(1));
        attributes.push(`href="${value}"`);
      } else attributes.push(`${name}="${escape(kind === "use" || kind === "g" ? value.replace(/\d+\.\d+/g, (v) => (v > 5 ? Math.round(v) : v)) : value)}"`);
    }
    if (kind === "g" && !attributes.length) return inner;
    if (kind === "g" && !inner) return "";
    const moved = kind === "g" && attributes.length === 1 && /^transform="translate\(([-\d.]+),([-\d.]+)\)"$/.exec(attributes[0]);
    if (moved && /^<use href="[^"]*"\/>$/.test(inner)) { // one glyph, moved
      const at = Number(moved[2]) ? ` y="${moved[2]}"` : "";
      return inner.replace("/>", ` x="${moved[1]}"${at}/>`);
    }
    return inner ? `<${kind}${attributes.map((a) => ` ${a}`).join("")}>${inner}</${kind}>` : `<${kind}${attributes.map((a) => ` ${a}`).join("")}/>`;
  }

  function answer({ tex, display }) {
    used.clear();
    MathJax.texReset();
    const container = MathJax.tex2svg(tex, { display });
    const svg = adaptor.tags(container, "svg")[0];
    for (const name of ["role", "focusable"]) adaptor.removeAttribute(svg, name);
    adaptor.setAttribute(svg, "aria-hidden", "true");
    const drawing = compact(svg).replace(' stroke="currentColor" fill="currentColor" stroke-width="0"', ""); // in book.css
    MathJax.texReset();
    const mml = MathJax.tex2mml(tex, { display })
      .replace(/ data-mjx-[a-z]+="[^"]*"/g, "").replace(/ xmlns="[^"]*"/, "").replace(/>\s+/g, ">").replace(/\s+</g, "<")
      .replace(/<(mrow|mstyle)><(m[ion])>([^<]*)<\/\2><\/\1>/g, "<$2>$3</$2>");
    const glyphs = {};
    for (const path of adaptor.childNodes(cache())) {
      const id = adaptor.getAttribute(path, "id");
      if (used.has(id)) glyphs[id] = adaptor.getAttribute(path, "d") ?? "";
    }
    const missing = [...used].filter((id) => !(id in glyphs));
    if (missing.length) throw new Error(`glyphs ${missing} are not in MathJax's cache`);
    return { svg: drawing, mml, glyphs };
  }

  require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    let said;
    try {
      said = answer(JSON.parse(line));
    } catch (error) {
      said = { error: error.message ?? String(error) };
    }
    process.stdout.write(`${JSON.stringify(said)}\n`);
  });
}).catch((error) => { console.error(error); process.exit(1); });
