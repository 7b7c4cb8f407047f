// The front end of robustnn_core.explorers: controls, and a view that shows the chosen part of the data
// that came with the page. No dependency, nothing fetched, nothing moves by itself.

let serial = 0;

async function render({ model, el }) {
  const spec = model.get("spec");
  const id = `rnn-${++serial}-${Math.random().toString(36).slice(2, 8)}`;
  const root = add(el, "div", { class: "rnn-explorer", role: "group", "aria-labelledby": `${id}-title` });
  add(root, "p", { class: "rnn-title", id: `${id}-title` }, spec.title);
  const panel = add(root, "div", { class: "rnn-controls" });
  const view = add(root, "div", { class: "rnn-explorer-view" });

  let drawn = null; // what the kind gives: update(combination, place, words), texts(combination) of the cursor
  const chosen = () => model.get("selection");
  const combination = () => spec.controls.reduce((flat, c, i) => flat * c.texts.length + chosen()[i], 0);
  const place = () => Math.max(0, Math.min((spec.points || 1) - 1, model.get("cursor")));
  const choose = (i, value) => {
    const selection = [...chosen()];
    selection[i] = value;
    model.set("selection", selection);
    model.save_changes();
  };
  const moveTo = (value) => {
    model.set("cursor", value);
    model.save_changes();
  };

  const inputs = spec.controls.map((c, i) => {
    const show = c.type === "range" ? slider : menu;
    return show(panel, `${id}-${i}`, c.label, c.texts, (value) => choose(i, value));
  });
  const cursor = spec.cursor
    ? slider(panel, `${id}-cursor`, spec.cursor, Array(spec.points).fill(""), moveTo, "rnn-cursor")
    : null;

  const update = () => {
    inputs.forEach((input, i) => input(chosen()[i]));
    if (!drawn) return;
    if (cursor) cursor(place(), drawn.at(combination(), place()));
    const words = spec.controls.map((c, i) => `${c.label}: ${c.texts[chosen()[i]]}`).join("; ");
    const alt = Array.isArray(spec.alt) ? spec.alt[combination()] : spec.alt;
    drawn.update(combination(), place(), `${alt} ${words}.`);
  };
  update();
  model.on("change:selection", update);
  model.on("change:cursor", update);
  let closed = false;
  try {
    const blobs = await unpack(model.get("data"), spec.blobs);
    if (!closed) drawn = kinds[model.get("kind")](view, spec, blobs, { id, moveTo, redraw: update });
    update();
  } catch (error) {
    view.textContent = `This browser cannot show the figure (${error.message}).`;
  }
  return () => {
    closed = true;
    model.off("change:selection", update);
    model.off("change:cursor", update);
    drawn?.close?.();
  };
}

// ---- kinds ------------------------------------------------------------------------------------------

const kinds = {
  frames(view, spec, { frames, index }) {
    const chosen = words32(index);
    const text = new TextDecoder();
    let start = 0;
    const drawings = spec.lengths.map((length) => text.decode(frames.subarray(start, (start += length))));
    const plot = add(view, "div", { class: "rnn-frame", style: `max-width:${spec.width}px` });
    return {
      update(combination, place, alt) {
        plot.innerHTML = drawings[chosen[combination]];
        plot.firstElementChild.setAttribute("aria-label", alt);
      },
    };
  },

  curves(view, spec, blobs, { id, moveTo, redraw }) {
    const index = words32(blobs.index);
    const said = blobs.said && words32(blobs.said);
    const rows = floats(blobs.rows);
    const row = (combination, column) => {
      const at = index[combination * spec.columns + column] * spec.points;
      return rows.subarray(at, at + spec.points);
    };
    const plot = add(view, "div", { class: "rnn-plot" + (spec.cursor ? " rnn-live" : "") });
    const legend = spec.cursor ? null : add(view, "ul", { class: "rnn-legend" });
    const values = spec.cursor ? add(view, "dl", { class: "rnn-values", "aria-live": "polite" }) : null;
    const message = spec.messages.length ? add(view, "p", { class: "rnn-message", role: "status" }) : null;
    const shown = spec.series.filter((s) => s.plot);
    if (legend) legend.innerHTML = shown.map((s) => `<li>${swatch(s)}${escape(s.label)}</li>`).join("");

    let picture = null;
    const pick = (event) => {
      if (!picture || (event.type === "pointermove" && !event.buttons)) return;
      const box = plot.firstElementChild.getBoundingClientRect();
      const to = ((event.clientX - box.left) * picture.width) / box.width;
      let best = 0;
      picture.px.forEach((x, i) => { if (Math.abs(x - to) < Math.abs(picture.px[best] - to)) best = i; });
      moveTo(best);
    };
    if (spec.cursor) ["pointerdown", "pointermove"].forEach((name) => plot.addEventListener(name, pick));
    let width = 0;
    const watch = new ResizeObserver(() => {
      const now = Math.round(plot.clientWidth);
      if (now && now !== width) redraw();
    });
    watch.observe(plot);
    return {
      close: () => watch.disconnect(),
      at: (combination, place) => number(row(combination, 0)[place], spec.x.format),
      update(combination, place, alt) {
        width = Math.round(plot.clientWidth);
        picture = chart(spec, (column) => row(combination, column), width || 640, spec.cursor ? place : null, alt, id);
        plot.innerHTML = picture.svg;
        if (values) {
          values.innerHTML = spec.series.filter((s) => s.readout).map((s) => {
            const value = number(row(combination, s.row)[place], s.format);
            return `<div><dt>${s.plot ? swatch(s) : ""}${escape(s.label)}</dt><dd>${escape(`${value} ${s.unit}`.trim())}</dd></div>`;
          }).join("");
        }
        const text = message && (spec.messages[said[combination * spec.points + place]] || "");
        if (message && message.textContent !== text) message.textContent = text;
      },
    };
  },
};

// ---- a line chart -----------------------------------------------------------------------------------

function chart(spec, row, width, place, alt, id) {
  const height = spec.height;
  const x = row(0);
  const shown = spec.series.filter((s) => s.plot);
  const columns = shown.flatMap((s) => [s.row, ...(s.band || [])]);
  const ys = axis(spec.y.scale, spec.y.range || extent(columns.map(row), spec.y.scale), 0.05, height / 55);
  const left = 14 + 7.6 * Math.max(...ys.ticks.map((t) => t.text.length));
  const box = { left, right: width - 14, top: 30, bottom: height - 46 };
  const xs = axis(spec.x.scale, extent([x], spec.x.scale), 0.02, (box.right - box.left) / (spec.x.scale === "log" ? 55 : 85));
  const sx = (v) => box.left + xs.part(v) * (box.right - box.left);
  const sy = (v) => box.bottom - ys.part(v) * (box.bottom - box.top);
  const line = (x1, y1, x2, y2, rest) => `<line x1="${r(x1)}" y1="${r(y1)}" x2="${r(x2)}" y2="${r(y2)}" ${rest}/>`;
  const ink = 'stroke="currentColor"';
  const parts = [];
  for (const t of ys.ticks) {
    const at = sy(t.value);
    if (t.text) parts.push(line(box.left, at, box.right, at, `${ink} stroke-opacity=".14"`));
    parts.push(line(box.left - (t.text ? 5 : 3), at, box.left, at, `${ink} stroke-opacity="${t.text ? 1 : 0.6}"`));
    parts.push(`<text x="${r(box.left - 9)}" y="${r(at + 4.5)}" text-anchor="end">${t.text}</text>`);
  }
  for (const t of xs.ticks) {
    const at = sx(t.value);
    if (t.text) parts.push(line(at, box.top, at, box.bottom, `${ink} stroke-opacity=".1"`));
    parts.push(line(at, box.bottom, at, box.bottom + (t.text ? 5 : 3), ink));
    parts.push(`<text x="${r(at)}" y="${r(box.bottom + 19)}" text-anchor="middle">${t.text}</text>`);
  }
  parts.push(line(box.left, box.bottom, box.right, box.bottom, ink), line(box.left, box.top, box.left, box.bottom, ink));
  parts.push(`<text x="2" y="14">${escape(spec.y.label)}</text>`);
  parts.push(`<text x="${r((box.left + box.right) / 2)}" y="${height - 5}" text-anchor="middle">${escape(spec.x.label)}</text>`);

  const px = Array.from(x, sx);
  const clip = `${id}-clip`;
  parts.push(`<clipPath id="${clip}"><rect x="${r(box.left)}" y="${box.top - 3}" width="${r(box.right - box.left)}" height="${box.bottom - box.top + 6}"/></clipPath>`);
  parts.push(`<g clip-path="url(#${clip})" fill="none" stroke-linejoin="round">`);
  const dots = [], names = [], traces = [];
  const py = (column) => Array.from(row(column), (v) => (Number.isFinite(v) && (spec.y.scale !== "log" || v > 0) ? sy(v) : NaN));
  for (const s of shown.filter((s) => s.band)) {
    const [low, high] = s.band.map(py);
    parts.push(`<path d="${area(px, low, high)}" fill="${s.color}" fill-opacity=".17"/>`);
  }
  for (const s of shown) {
    const at = py(s.row);
    traces.push({ px, at, name: s.label });
    if (s.style === "points") {
      parts.push(at.map((y, i) => (Number.isNaN(y) ? "" : marker(px[i], y, s))).join(""));
    } else {
      const look = `stroke="${s.color}" stroke-width="${s.style === "bound" ? 1.6 : 2.2}" stroke-dasharray="${s.dash.join(" ")}"`;
      parts.push(`<path d="${path(px, at)}" ${look}${s.dash.length ? "" : ' stroke-linecap="round"'}/>`);
      if (s.style === "bound" && at.every((y) => Math.abs(y - at[0]) < 0.5)) names.push({ y: at[0], text: s.label });
    }
    if (place !== null && !Number.isNaN(at[place])) dots.push({ y: at[place], color: s.color });
  }
  parts.push("</g>");
  for (const n of names) {
    const at = room(n, box, traces);
    if (!at) continue; // the legend names it
    traces.push({ box: at });
    parts.push(`<text x="${r(at.x)}" y="${r(at.y)}" text-anchor="${at.anchor}">${escape(n.text)}</text>`);
  }
  if (place !== null) {
    parts.push(line(px[place], box.top, px[place], box.bottom, `${ink} stroke-opacity=".7"`));
    for (const d of dots) if (d.y > box.top - 4 && d.y < box.bottom + 4) parts.push(`<circle cx="${r(px[place])}" cy="${r(d.y)}" r="4.5" fill="${d.color}" stroke="var(--rnn-paper)" stroke-width="1.5"/>`);
  }
  return { px, width, svg: `<svg role="img" aria-label="${escape(alt)}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">${parts.join("")}</svg>` };
}

// Where the name of a bound fits at its line without touching a curve, or nothing.
function room(name, box, traces) {
  const width = 7.3 * name.text.length;
  for (const [anchor, x] of [["end", box.right - 4], ["start", box.left + 6]]) {
    for (const y of [name.y - 6, name.y + 16]) {
      const left = anchor === "end" ? x - width : x, top = y - 12, bottom = y + 4;
      if (top < box.top - 10 || bottom > box.bottom) continue;
      const inside = (u, v) => u > left - 4 && u < left + width + 4 && v > top && v < bottom;
      const meets = (t) => t.box
        ? t.box.left < left + width && left < t.box.left + t.box.width && t.box.top < bottom && top < t.box.top + 16
        : t.name !== name.text && t.px.some((u, i) => [0, 0.25, 0.5, 0.75].some((f) => {
          const k = Math.min(i + 1, t.px.length - 1);
          return inside(u + f * (t.px[k] - u), t.at[i] + f * (t.at[k] - t.at[i]));
        }));
      if (!traces.some(meets)) return { x, y, anchor, left, width, top };
    }
  }
  return null;
}

function extent(lists, scale) {
  let low = Infinity, high = -Infinity;
  for (const list of lists) for (const v of list) {
    if (!Number.isFinite(v) || (scale === "log" && v <= 0)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return low <= high ? [low, high] : [1, 2];
}

function axis(scale, [low, high], pad, wanted) {
  const log = scale === "log";
  let [a, b] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  if (a === b) [a, b] = log ? [a - 0.5, b + 0.5] : [a - Math.abs(a || 1) / 2, b + Math.abs(b || 1) / 2];
  const gap = pad * (b - a);
  // padding does not carry a quantity that is never negative below zero
  a = !log && a >= 0 && a - gap < 0 ? 0 : a - gap;
  b += gap;
  const ticks = [];
  if (log && b - a > 0.5) {
    const step = Math.max(1, Math.ceil((b - a) / wanted));
    const powers = a < -3 || b >= 5; // else 0.001 ... 10,000
    const fine = b - a < 1.2 ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : b - a < 2.5 ? [1, 2, 5] : [1];
    for (let k = Math.floor(a); k <= Math.ceil(b); k++) {
      for (let m = 1; m < 10; m++) {
        const value = m * 10 ** k, at = k + Math.log10(m);
        if (at < a || at > b || (step > 1 && m > 1)) continue;
        const named = fine.includes(m) && (m > 1 || ((k % step) + step) % step === 0);
        const text = () => (powers ? `${m > 1 ? `${m}·` : ""}10${superscript(k)}` : plain(value, Math.max(0, -k)));
        if (named || b - a < 7) ticks.push({ value, text: named ? text() : "" });
      }
    }
  } else {
    ticks.push(...even(log ? 10 ** a : a, log ? 10 ** b : b, wanted));
  }
  return { ticks, part: (v) => ((log ? Math.log10(v) : v) - a) / (b - a) };
}

function even(a, b, wanted) {
  const rough = (b - a) / Math.max(2, wanted), unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((m) => m * unit >= rough);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const big = Math.max(Math.abs(a), Math.abs(b));
  const text = (v) => (big >= 1e6 || big < 1e-3 ? number(v, `.${Math.max(3, Math.ceil(Math.log10(big / step)) + 1)}g`) : plain(v, digits));
  const ticks = [];
  for (let i = Math.ceil(a / step - 1e-9); i * step <= b + 1e-9 * step; i++) ticks.push({ value: i * step, text: text(i * step) });
  return ticks;
}

function path(px, py) {
  let d = "", pen = false;
  px.forEach((x, i) => {
    if (Number.isNaN(py[i])) { pen = false; return; }
    d += `${pen ? "L" : "M"}${r(x)} ${r(py[i])}`;
    if (!pen && Number.isNaN(py[i + 1] ?? NaN)) d += "h.01";
    pen = true;
  });
  return d;
}

function area(px, low, high) {
  let d = "", from = null;
  for (let i = 0; i <= px.length; i++) {
    const gap = i === px.length || Number.isNaN(low[i]) || Number.isNaN(high[i]);
    if (!gap && from === null) from = i;
    if (gap && from !== null) {
      for (let j = from; j < i; j++) d += `${j > from ? "L" : "M"}${r(px[j])} ${r(high[j])}`;
      for (let j = i - 1; j >= from; j--) d += `L${r(px[j])} ${r(low[j])}`;
      d += "Z";
      from = null;
    }
  }
  return d;
}

function marker(x, y, s) {
  const shapes = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", "M-3.5 -3.5h7v7h-7Z", "M0 -4.5L4 3.5H-4Z", "M0 -4.8L4.2 0L0 4.8L-4.2 0Z", "M0 4.5L4 -3.5H-4Z", "M-1.5 -4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3Z"];
  return `<path transform="translate(${r(x)} ${r(y)})" d="${shapes[s.marker % shapes.length]}" fill="${s.color}"/>`;
}

function swatch(s) {
  const width = s.style === "points" ? 12 : 32;
  const band = s.band ? `<rect width="${width}" height="12" fill="${s.color}" fill-opacity=".17"/>` : "";
  const body = s.style === "points"
    ? marker(6, 6, s)
    : `<line x1="1" y1="6" x2="${width - 1}" y2="6" stroke="${s.color}" stroke-width="${s.style === "bound" ? 1.6 : 2.4}" stroke-dasharray="${s.dash.join(" ")}"/>`;
  return `<svg class="rnn-swatch" width="${width}" viewBox="0 0 ${width} 12" aria-hidden="true">${band}${body}</svg>`;
}

// ---- controls ---------------------------------------------------------------------------------------

function slider(panel, id, label, texts, onChange, extra = "") {
  const holder = add(panel, "div", { class: `rnn-control ${extra}`.trim() });
  add(holder, "label", { for: id }, label);
  const output = add(holder, "output", { for: id, "aria-live": "off" });
  const input = add(holder, "input", { id, type: "range", min: 0, max: texts.length - 1, step: 1, value: 0 });
  input.addEventListener("input", () => onChange(Number(input.value)));
  return (value, text = texts[value]) => {
    input.value = value;
    input.setAttribute("aria-valuetext", text);
    input.style.setProperty("--rnn-fill", `${(100 * value) / Math.max(1, texts.length - 1)}%`);
    output.textContent = text;
  };
}

function menu(panel, id, label, texts, onChange) {
  const holder = add(panel, "div", { class: "rnn-control" });
  add(holder, "label", { for: id }, label);
  const select = add(holder, "select", { id });
  texts.forEach((text, i) => add(select, "option", { value: i }, text));
  select.addEventListener("change", () => onChange(Number(select.value)));
  return (value) => { select.value = value; };
}

// ---- small things -----------------------------------------------------------------------------------

function add(parent, name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return parent.appendChild(made);
}

async function unpack(packed, layout) {
  const bytes = new Uint8Array(packed.buffer ?? packed, packed.byteOffset ?? 0, packed.byteLength);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const all = new Uint8Array(await new Response(stream).arrayBuffer());
  let start = 0;
  return Object.fromEntries(layout.map(([name, length]) => [name, all.subarray(start, (start += length))]));
}

const words32 = (bytes) => new Uint32Array(bytes.slice().buffer);

function floats(planes) { // the bytes come plane by plane: all first bytes, all second bytes, ...
  const count = planes.length / 4, bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < 4; plane++) for (let i = 0; i < count; i++) bytes[4 * i + plane] = planes[plane * count + i];
  return new Float32Array(bytes.buffer);
}

const r = (v) => Math.round(v * 100) / 100;
const escape = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const superscript = (k) => String(k).replace(/[-\d]/g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));
const plain = (v, digits) => (v || 0).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");

function number(v, format) {
  if (Number.isNaN(v)) return "not defined";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  const kind = format.at(-1), digits = Number(format.slice(1, -1));
  if (kind === "d") return Math.abs(v) > 16777216 ? number(v, ".4e") : plain(Math.round(v), 0); // beyond 2^24 float32 is no longer exact
  if (kind === "f") return plain(v, digits);
  if (kind === "%") return `${plain(100 * v, digits)} %`;
  const short = kind === "e" ? v.toExponential(digits) : v.toExponential(Math.max(0, digits - 1));
  const power = Number(short.split("e")[1]);
  if (kind === "g" && power >= -4 && power < Math.max(digits, 6)) {
    const text = plain(Number(short), Math.max(0, digits - 1 - power));
    return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  }
  return `${short.split("e")[0].replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "").replace("-", "−")} × 10${superscript(power)}`;
}

export default { render };
