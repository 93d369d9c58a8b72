// HTML text from Python, every part of it escaped there, with places to click: elements that have `data-act`.
// Python sends `html`; this sends {act}. Whatever is redrawn keeps the focus, what is unfolded, and how far
// it was scrolled; `data-scroll` brings an element into sight, inside its own box alone.
// A message {file, text} from Python is saved as a file.

/** @typedef {{model: any, el: HTMLElement}} Context */

/** @param {Element} root @param {string} name @param {string} value */
const by = (root, name, value) => root.querySelector(`[${name}="${CSS.escape(value)}"]`);

/** @param {string} name @param {string} text */
function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** @param {Context} context */
function render({ model, el }) {
  const remember = () => ({
    focus: document.activeElement?.closest("[data-act]")?.getAttribute("data-act") ?? "",
    inside: el.contains(document.activeElement),
    folds: new Map([...el.querySelectorAll("details[data-key]")].map(one => [one.getAttribute("data-key"), one.open])),
    scrolls: [...el.querySelectorAll("[data-box]")].map(box => [box.getAttribute("data-box"), box.scrollTop]),
  });
  const recall = (/** @type {ReturnType<typeof remember>} */ was) => {
    for (const fold of el.querySelectorAll("details[data-key]")) {
      const open = was.folds.get(fold.getAttribute("data-key"));
      if (open !== undefined) /** @type {HTMLDetailsElement} */ (fold).open = open;
    }
    for (const [name, top] of was.scrolls) {
      const box = by(el, "data-box", String(name));
      if (box) box.scrollTop = Number(top);
    }
    if (was.inside && was.focus) /** @type {HTMLElement | null} */ (by(el, "data-act", was.focus))?.focus({ preventScroll: true });
  };
  const bring = () => {
    for (const one of el.querySelectorAll("[data-scroll]")) {
      const box = one.closest("[data-box]");
      if (!box) continue;
      const [inner, outer] = [one.getBoundingClientRect(), box.getBoundingClientRect()];
      if (inner.top < outer.top || inner.bottom > outer.bottom)
        box.scrollTop += inner.top - outer.top - outer.height / 3;
    }
  };
  const show = () => {
    const was = remember();
    el.innerHTML = model.get("html");
    recall(was);
    bring();
  };
  const onClick = (/** @type {MouseEvent} */ event) => {
    const act = /** @type {Element} */ (event.target).closest("[data-act]")?.getAttribute("data-act");
    if (act) model.send({ act });
  };
  const onMessage = (/** @type {any} */ message) => {
    if (message.file) save(message.file, message.text);
  };
  el.classList.add("sfn-markup");
  el.addEventListener("click", onClick);
  model.on("change:html", show);
  model.on("msg:custom", onMessage);
  const attached = requestAnimationFrame(bring);
  show();
  return () => {
    cancelAnimationFrame(attached);
    el.removeEventListener("click", onClick);
    model.off("change:html", show);
    model.off("msg:custom", onMessage);
  };
}

export default { render };
