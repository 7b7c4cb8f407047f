// Where RequireJS finds the interactive figures' code: next to this file, never on the network.
(() => {
  const beside = (path) => new URL(path, document.currentScript.src).href;
  // Without this the theme's icon script rewrites the widgets' own icons and breaks them.
  window.FontAwesomeConfig = { autoReplaceSvg: "nest" };
  requirejs.config({
    paths: {
      anywidget: beside("vendor/anywidget"),
      "@jupyter-widgets": beside("vendor/html-manager"),
      "@jupyter-widgets/html-manager/dist": beside("vendor/html-manager"),
    },
  });
})();
