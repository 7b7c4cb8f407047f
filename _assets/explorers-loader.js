// Interactive figures in the static page. Each has its state in a script of its own, asked for when the
// reader comes near it; explorers.js draws it, as it does in Jupyter.
(() => {
  const waiting = new Map();

  // #explorer-2:0.3:120 is the second explorer of the page with its controls at 0 and 3 and its cursor at 120.
  const ADDRESS = /^#(explorer-\d+):([\d.]+)(?::(\d+))?$/;
  const wanted = ADDRESS.exec(location.hash);
  const address = (place, state) => `#${place.id}:${state.selection.join(".")}${state.spec.cursor ? `:${state.cursor}` : ""}`;

  function take(state, selection, cursor) {
    const sizes = state.spec.controls.map((control) => control.texts.length);
    const numbers = selection.split(".").map(Number);
    if (numbers.length === sizes.length && numbers.every((n, i) => Number.isInteger(n) && n >= 0 && n < sizes[i])) state.selection = numbers;
    if (cursor !== undefined && Number(cursor) < state.spec.points) state.cursor = Number(cursor);
  }

  // Below the figure: to the start, step by step through what a slider holds, and an address of what is shown.
  function bar(place, state, model, first) {
    const row = document.createElement("div");
    row.className = "rnn-bar";
    const button = (text, act) => {
      const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
      made.addEventListener("click", () => act(made));
      row.append(made);
      return made;
    };
    button("Reset", () => {
      model.set("selection", [...first.selection]);
      model.set("cursor", first.cursor);
    });
    const at = state.spec.controls.findIndex((control) => control.type === "range" && control.texts.length > 3);
    if (state.spec.cursor || at >= 0) {
      const length = state.spec.cursor ? state.spec.points : state.spec.controls[at].texts.length;
      const now = () => (state.spec.cursor ? state.cursor : state.selection[at]);
      const go = (value) => (state.spec.cursor ? model.set("cursor", value) : model.set("selection", state.selection.map((v, i) => (i === at ? value : v))));
      const step = Math.max(1, Math.round(length / 60));
      let timer = null;
      const stop = (made) => { clearInterval(timer); timer = null; made.textContent = "Play"; };
      button("Play", (made) => {
        if (timer) { stop(made); return; }
        if (now() >= length - 1) go(0);
        made.textContent = "Pause";
        timer = setInterval(() => {
          go(Math.min(length - 1, now() + step));
          if (now() >= length - 1) stop(made);
        }, Math.max(70, Math.min(700, 6000 / (length / step))));
      });
    }
    button("Copy link", async (made) => {
      const link = location.href.split("#")[0] + address(place, state);
      try {
        await navigator.clipboard.writeText(link);
        made.textContent = "Copied";
      } catch {
        location.hash = address(place, state); // no clipboard here: the address line has it
        made.textContent = "See the address";
      }
      setTimeout(() => { made.textContent = "Copy link"; }, 2000);
    });
    place.append(row);
  }

  window.rnnExplorer = (name, state) => {
    const place = waiting.get(name);
    if (!place) return;
    waiting.delete(name);
    state.data = Uint8Array.from(atob(state.data), (c) => c.charCodeAt(0));
    const first = { selection: [...state.selection], cursor: state.cursor };
    if (wanted && wanted[1] === place.id) take(state, wanted[2], wanted[3]);
    const heard = {};
    const model = {
      get: (key) => state[key],
      set: (key, value) => { state[key] = value; (heard[`change:${key}`] ?? []).forEach((listen) => listen()); },
      on: (event, listen) => { (heard[event] ??= []).push(listen); },
      off: (event, listen) => { heard[event] = (heard[event] ?? []).filter((other) => other !== listen); },
      save_changes() {},
    };
    place.replaceChildren();
    window.rnnRender({ model, el: place });
    if (!place.id) return; // on a slide
    bar(place, state, model, first);
    let later;
    const note = () => {
      clearTimeout(later);
      later = setTimeout(() => { try { history.replaceState(null, "", address(place, state)); } catch { /* the browser keeps addresses to itself */ } }, 300);
    };
    model.on("change:selection", note);
    model.on("change:cursor", note);
  };

  function load(place) {
    const name = place.dataset.explorer;
    if (place.dataset.asked) return;
    place.dataset.asked = "yes";
    waiting.set(name, place);
    const script = document.createElement("script");
    script.src = place.dataset.src;
    script.onerror = () => { place.textContent = "The data of this figure are missing beside the page."; };
    document.head.append(script);
  }

  document.addEventListener("DOMContentLoaded", () => {
    const places = [...document.querySelectorAll(".rnn-place")];
    window.rnnLoadAll = () => places.forEach(load);
    window.addEventListener("beforeprint", window.rnnLoadAll);
    const near = new IntersectionObserver((seen) => {
      seen.filter((entry) => entry.isIntersecting).forEach((entry) => { near.unobserve(entry.target); load(entry.target); });
    }, { rootMargin: "800px" });
    places.forEach((place) => near.observe(place));
    if (wanted) document.getElementById(wanted[1])?.scrollIntoView();
  });
})();
