// What the browser does for the whole debugger's view: keys, size, full screen.
// Python sends `shortcuts` (the debugger's keys, as "Shift+F10"), `scale`, `view` (the id of the view's model)
// and `moment`, a number that changes with whatever is shown; this sends {key}, and {picture: true} to be sent {svg}.

/** @typedef {{model: any, el: HTMLElement}} Context */

const FOCUSABLE = "button, input, textarea, select, summary, [tabindex]";

/** A key with its modifiers, as in the tooltips. @param {KeyboardEvent} event */
function named(event) {
  const ctrl = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  return ctrl + (event.shiftKey ? "Shift+" : "") + event.key;
}

/** What ipywidgets leaves out: notebook shortcuts stay away from an element only if it says so itself, and a
 * tooltip is no label for a screen reader. @param {Element} root */
function mend(root) {
  for (const item of root.querySelectorAll(FOCUSABLE)) {
    if (item.hasAttribute("data-lm-suppress-shortcuts")) continue;
    item.setAttribute("data-lm-suppress-shortcuts", "true");
    const labels = /** @type {HTMLInputElement} */ (item).labels ?? [];
    const labelled = [...labels].some((label) => label.textContent?.trim());
    const title = item.getAttribute("title");
    if (title && !labelled && !item.textContent?.trim()) item.setAttribute("aria-label", title);
    if (title && !labelled && item.matches("select, textarea")) item.setAttribute("aria-label", title);
  }
}

const WIDGET = "application/vnd.jupyter.widget-view+json";
const [PAUSE, LOOKS] = [60, 50]; // milliseconds between two looks for a new panel, and how many
const REST = 500; // milliseconds without a change after which the notebook's picture is made anew

/** The outputs of the notebook around that show a view, with their cells; none outside of JupyterLab and Notebook 7.
 * @param {any} model @returns {{cell: any, number: number}[]} */
function outputsOf(model) {
  const cells = model.widget_manager?.context?.model?.cells ?? [];
  const found = [];
  for (const cell of cells)
    for (let number = 0; number < (cell.outputs?.length ?? 0); number++)
      if (cell.outputs.get(number).data?.[WIDGET]?.model_id === model.get("view")) found.push({ cell, number });
  return found;
}

/** Let the notebook's file have the picture of the moment at which it is left. The output that is on show is not
 * touched: drawing it anew would take away the focus and what is unfolded. @param {any} model @param {string} svg */
function keepPicture(model, svg) {
  for (const { cell, number } of outputsOf(model)) {
    const output = cell.sharedModel.getOutputs()[number];
    if (!output?.data?.["image/svg+xml"]) continue;
    const kept = { ...output, data: { ...output.data, "image/svg+xml": svg } };
    cell.sharedModel.updateOutputs(number, number + 1, [kept], "silent-change");
  }
}

/** @param {Context} context */
function render({ model, el }) {
  /** @type {HTMLElement} */ let root = el;
  el.style.display = "none";

  const onKey = (/** @type {Event} */ event) => {
    const key = named(/** @type {KeyboardEvent} */ (event));
    if (key === "Escape" && root.classList.contains("sfn-presenting")) return present();
    if (!model.get("shortcuts").includes(key)) return;
    event.preventDefault();
    event.stopPropagation();
    model.send({ key });
  };
  const resize = () => { root.style.zoom = String(model.get("scale")); };

  // Full screen where the page may have it; else over the whole page.
  const presenting = (/** @type {boolean} */ on) => {
    root.classList.toggle("sfn-presenting", on);
    root.querySelector(".sfn-do-present")?.setAttribute("aria-pressed", String(on));
  };
  const present = async () => {
    const on = !root.classList.contains("sfn-presenting");
    presenting(on);
    try {
      if (on) await root.requestFullscreen();
      else if (document.fullscreenElement) await document.exitFullscreen();
    } catch { /* not allowed here: the class alone does it */ }
  };
  // A panel that somebody opens may be far below what is on the screen; it is there when Python has made it.
  const reveal = (/** @type {string} */ panel, /** @type {number} */ looks) => {
    const opened = root.querySelector(panel);
    if (!opened?.clientHeight) return looks && window.setTimeout(reveal, PAUSE, panel, looks - 1);
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    opened.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  };
  const onClick = (/** @type {Event} */ event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (button?.matches(".sfn-do-present")) present();
    const [, name] = /sfn-open-(\S+)/.exec(button?.className ?? "") ?? [];
    if (name && !root.querySelector(`.sfn-panel-${name}`)) window.setTimeout(reveal, PAUSE, `.sfn-panel-${name}`, LOOKS);
  };
  const onScreen = () => presenting(document.fullscreenElement === root);

  let rest = 0;
  const onMoment = () => {
    window.clearTimeout(rest);
    rest = window.setTimeout(() => { if (outputsOf(model).length) model.send({ picture: true }); }, REST);
  };
  const onMessage = (/** @type {{svg?: string}} */ message) => {
    if (message.svg) keepPicture(model, message.svg);
  };
  const growth = new MutationObserver(() => mend(root));
  const above = new ResizeObserver(([controls]) => {
    root.style.setProperty("--sfn-above", `${Math.ceil(controls.contentRect.height)}px`);
  });
  const attached = requestAnimationFrame(() => {
    root = el.closest(".sfn-debugger") ?? el;
    root.addEventListener("keydown", onKey);
    root.addEventListener("click", onClick);
    root.addEventListener("fullscreenchange", onScreen);
    mend(root);
    resize();
    growth.observe(root, { childList: true, subtree: true });
    const controls = root.querySelector(".sfn-controls");
    if (controls) above.observe(controls);
  });
  model.on("change:scale", resize);
  model.on("change:moment", onMoment);
  model.on("msg:custom", onMessage);
  return () => {
    cancelAnimationFrame(attached);
    growth.disconnect();
    above.disconnect();
    window.clearTimeout(rest);
    model.off("change:scale", resize);
    model.off("change:moment", onMoment);
    model.off("msg:custom", onMessage);
    root.removeEventListener("keydown", onKey);
    root.removeEventListener("click", onClick);
    root.removeEventListener("fullscreenchange", onScreen);
  };
}

export default { render };
