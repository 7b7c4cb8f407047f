// Interactive figures in the static page. Each has its state in a script of its own, asked for when the
// reader comes near it; explorers.js draws it, as it does in Jupyter.
(() => {
  const waiting = new Map();

  // What a page shows has changed: whoever keeps formulas whole or cards at their place measures again.
  window.rnnExplorer = (name, state) => {
    const place = waiting.get(name);
    if (!place) return;
    waiting.delete(name);
    state.data = Uint8Array.from(atob(state.data), (c) => c.charCodeAt(0));
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
  });
})();
