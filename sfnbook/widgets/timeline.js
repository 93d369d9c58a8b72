// The Gantt chart of a session. Python sends `picture` (SVG text made by sfnbook/drawing/gantt_drawing.py) and `cursor`
// (virtual seconds); this sends {number}, the transition at which the bar that was picked begins.

/** @typedef {{model: any, el: HTMLElement}} Context */

const MOVES = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** @param {Context} context */
function render({ model, el }) {
  el.classList.add("sfn-timeline");
  /** @type {SVGElement[]} */ let bars = [];
  /** @type {Element} */ let svg;

  function showCursor() {
    const at = Number(svg.getAttribute("data-left")) + model.get("cursor") * Number(svg.getAttribute("data-scale"));
    for (const end of ["x1", "x2"]) svg.querySelector(".sfn-cursor")?.setAttribute(end, String(at));
  }
  function showPicture() {
    const focused = bars.findIndex((bar) => bar === document.activeElement);
    const parsed = new DOMParser().parseFromString(model.get("picture"), "image/svg+xml");
    svg = document.importNode(parsed.documentElement, true);
    el.replaceChildren(svg);
    bars = [...svg.querySelectorAll(".sfn-bar")].map((bar) => /** @type {SVGElement} */ (bar));
    if (focused >= 0) bars[Math.min(focused, bars.length - 1)]?.focus();
    showCursor();
  }
  const barOf = (/** @type {Event} */ event) => /** @type {SVGElement | null} */ (/** @type {Element} */ (event.target).closest(".sfn-bar"));
  const pick = (/** @type {Element} */ bar) => model.send({ number: Number(bar.getAttribute("data-number")) });
  const onClick = (/** @type {Event} */ event) => {
    const bar = barOf(event);
    if (bar) pick(bar);
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const bar = barOf(event);
    const by = MOVES[/** @type {keyof typeof MOVES} */ (event.key)];
    if (!bar || event.ctrlKey || event.metaKey || event.altKey || !(by || event.key === "Enter" || event.key === " ")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!by) return pick(bar);
    const next = bars[bars.indexOf(bar) + by];
    if (!next) return;
    for (const other of bars) other.setAttribute("tabindex", other === next ? "0" : "-1");
    next.focus();
  };
  el.addEventListener("click", onClick);
  el.addEventListener("keydown", onKey);
  showPicture();
  model.on("change:picture", showPicture);
  model.on("change:cursor", showCursor);
  return () => {
    el.removeEventListener("click", onClick);
    el.removeEventListener("keydown", onKey);
    model.off("change:picture", showPicture);
    model.off("change:cursor", showCursor);
  };
}

export default { render };
