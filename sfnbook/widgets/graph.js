// The graph of a state machine as a live picture: the SVG comes once, afterwards only what changed.
// Python sends `geometry` (SVG text made by sfnbook/drawing/svg.py), `looks` (what each status is called and its
// icon), `status` and `notes` (by pointer), `taken` (numbers of edges), `stops` and `off` (pointers), `selected`,
// `height`; this sends {type, pointer}, where type is "select" or "breakpoint".

/** @typedef {{label: string, icon: string}} Look */
/** @typedef {{model: any, el: HTMLElement}} Context */

const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const STOPS = { "": "", on: "breakpoint", off: "breakpoint, disabled" };
const READABLE = 0.62; // the smallest scale at which names can still be read
const LARGEST = 2.5;

/** @param {string} tag @param {Record<string, string>} attributes @param {string} [text] */
function element(tag, attributes, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

/** Where a state's face is, in the picture's own coordinates. @param {Element} node */
function place(node) {
  const face = node.querySelector(".sfn-face");
  const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => Number(face?.getAttribute(name)));
  return { x, y, w, h, cx: x + w / 2, cy: y + h / 2 };
}

/** The node that one would look for with an arrow key. @param {Element[]} nodes @param {Element} from @param {number[]} way */
function neighbour(nodes, from, [dx, dy]) {
  const here = place(from);
  const far = (/** @type {Element} */ node) => {
    const there = place(node);
    const ahead = (there.cx - here.cx) * dx + (there.cy - here.cy) * dy;
    const aside = Math.abs((there.cx - here.cx) * dy) + Math.abs((there.cy - here.cy) * dx);
    return ahead < 8 ? Infinity : ahead + 2 * aside;
  };
  const others = nodes.filter((node) => node !== from && far(node) < Infinity);
  return others.sort((a, b) => far(a) - far(b))[0];
}

/** Show a picture in a box: scale it, move it, bring a node into view. @param {HTMLElement} box @param {SVGSVGElement} svg @param {() => number} highest */
function camera(box, svg, highest) {
  const [, , width, height] = (svg.getAttribute("viewBox") ?? "0 0 1 1").split(" ").map(Number);
  const view = { x: 0, y: 0, scale: 1, fitted: true };
  const size = () => ({ w: box.clientWidth / view.scale, h: box.clientHeight / view.scale });
  const between = (/** @type {number} */ at, /** @type {number} */ all, /** @type {number} */ seen) =>
    all <= seen ? (all - seen) / 2 : Math.min(Math.max(at, 0), all - seen);
  const draw = () => {
    const { w, h } = size();
    view.x = between(view.x, width, w);
    view.y = between(view.y, height, h);
    const seen = `${view.x} ${view.y} ${w} ${h}`;
    if (svg.getAttribute("viewBox") !== seen) svg.setAttribute("viewBox", seen);
  };
  const zoom = (/** @type {number} */ by) => {
    const { w, h } = size();
    const [cx, cy] = [view.x + w / 2, view.y + h / 2];
    view.scale = Math.min(Math.max(view.scale * by, 0.1), LARGEST);
    view.fitted = false;
    view.x = cx - size().w / 2;
    view.y = cy - size().h / 2;
    draw();
  };
  const fit = (/** @type {number} */ least) => {
    if (!box.clientWidth) return;
    const wide = Math.min(box.closest(".sfn-presenting") ? 1.6 : 1, box.clientWidth / width);
    box.style.height = `${Math.round(Math.min(Math.max(height * Math.max(wide, least), 120), highest()))}px`;
    view.scale = Math.max(Math.min(wide, box.clientHeight / height), least);
    view.fitted = true;
    draw();
  };
  const reveal = (/** @type {Element | undefined} */ node) => {
    if (!node || !box.clientWidth) return;
    const at = place(node);
    const { w, h } = size();
    const margin = 24;
    const shift = (/** @type {number} */ from, /** @type {number} */ seen, /** @type {number} */ start, /** @type {number} */ long) =>
      start - margin < from || start + Math.min(long, seen) + margin > from + seen ? start + Math.min(long, seen) / 2 - seen / 2 : from;
    view.x = shift(view.x, w, at.x, at.w);
    view.y = shift(view.y, h, at.y, at.h);
    draw();
  };
  const pan = (/** @type {number} */ dx, /** @type {number} */ dy) => {
    const zoomed = box.getBoundingClientRect().width / box.clientWidth; // by the page, or `show(scale=...)`
    view.x -= dx / view.scale / zoomed;
    view.y -= dy / view.scale / zoomed;
    draw();
  };
  return { fit, zoom, reveal, pan, view };
}

/** @param {Context} context */
function render({ model, el }) {
  const box = element("div", { class: "sfn-stage" });
  const news = element("div", { class: "sfn-news", "aria-live": "polite" });
  const tools = element("div", { class: "sfn-zoom", role: "group", "aria-label": "Zoom" });
  el.classList.add("sfn-graph-view");
  el.replaceChildren(box, tools, news);

  /** @type {Element[]} */ let nodes = [];
  /** @type {Element[]} */ let ways = [];
  let drawn = "";
  let printing = false;
  /** @type {Map<string, Element>} */ let byPointer = new Map();
  /** @type {ReturnType<typeof camera> | undefined} */ let look;

  const ring = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  ring.setAttribute("class", "sfn-ring");

  const chosen = () => byPointer.get(model.get("selected"));
  const tell = (/** @type {string} */ type, /** @type {Element} */ node) => model.send({ type, pointer: node.getAttribute("data-pointer") });
  const follow = element("button", {
    type: "button", title: "Follow the current state", "aria-label": "Follow the current state", "aria-pressed": "true",
    "data-lm-suppress-shortcuts": "true",
  }, "◎");
  const follows = () => follow.getAttribute("aria-pressed") === "true";
  follow.addEventListener("click", () => {
    follow.setAttribute("aria-pressed", String(!follows()));
    showSelected();
  });

  function showMarks() {
    /** @type {Record<string, Look>} */ const looks = model.get("looks");
    const [status, notes] = [model.get("status"), model.get("notes")];
    const [stops, off] = [new Set(model.get("stops")), new Set(model.get("off"))];
    const heard = [];
    let [latest] = nodes;
    for (const [pointer, node] of byPointer) {
      const name = status[pointer] ?? "none";
      const note = notes[pointer] ?? "";
      const stop = off.has(pointer) ? "off" : stops.has(pointer) ? "on" : "";
      const key = `${name} ${stop} ${note}`;
      if (node.getAttribute("data-shown") === key) continue;
      if (node.getAttribute("data-status") !== name && name !== "none") latest = node;
      node.setAttribute("data-shown", key);
      node.setAttribute("data-status", name);
      node.querySelector(".sfn-badge path")?.setAttribute("d", looks[name].icon);
      node.toggleAttribute("data-stop", Boolean(stop));
      if (stop) node.setAttribute("data-stop", stop);
      showNote(node, note);
      const words = [node.getAttribute("data-words"), name === "none" ? "" : looks[name].label, note, STOPS[stop]];
      node.setAttribute("aria-label", words.filter(Boolean).join(", "));
      heard.push(node.getAttribute("aria-label"));
    }
    if (heard.length && !chosen() && follows()) look?.reveal(latest); // at the end, or at the beginning again
    news.textContent = heard.slice(-3).join("; ");
    const taken = new Set(model.get("taken").map(String));
    for (const way of ways) way.toggleAttribute("data-taken", taken.has(way.getAttribute("data-edge") ?? ""));
  }

  /** The pill of a state: the attempt, or how far a Map is. @param {Element} node @param {string} note */
  function showNote(node, note) {
    if ((node.getAttribute("data-note") ?? "") === note) return;
    if (!note) return node.removeAttribute("data-note");
    node.setAttribute("data-note", note);
    const text = /** @type {SVGTextElement} */ (node.querySelector(".sfn-note-text"));
    const face = node.querySelector(".sfn-note-face");
    text.textContent = note;
    // Before the picture is in the page nothing can be measured.
    const wide = (text.getComputedTextLength() || note.length * 6) + 14;
    face?.setAttribute("width", String(wide));
    face?.setAttribute("x", String(Number(text.getAttribute("x")) + 7 - wide));
  }

  function showSelected() {
    const node = chosen();
    for (const other of nodes) {
      other.setAttribute("aria-pressed", String(other === node));
      other.setAttribute("tabindex", other === (node ?? nodes[0]) ? "0" : "-1");
    }
    ring.remove();
    if (!node) return;
    const { x, y, w, h } = place(node);
    for (const [name, value] of Object.entries({ x: x - 6, y: y - 6, width: w + 12, height: h + 12, rx: 13 }))
      ring.setAttribute(name, String(value));
    node.prepend(ring);
    if (follows()) look?.reveal(node);
  }

  /** How high the picture may be: on paper as high as it is, for a projector what the screen leaves. */
  const highest = () => {
    if (printing) return Infinity;
    return box.closest(".sfn-presenting") ? Math.max(window.innerHeight * 0.62, 240) : model.get("height");
  };
  const onPaper = (/** @type {boolean} */ on) => {
    printing = on;
    look?.fit(0);
  };
  const [before, after] = [() => onPaper(true), () => onPaper(false)];
  window.addEventListener("beforeprint", before);
  window.addEventListener("afterprint", after);

  function showGeometry() {
    const parsed = new DOMParser().parseFromString(model.get("geometry"), "image/svg+xml");
    const svg = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (document.importNode(parsed.documentElement, true)));
    box.replaceChildren(svg);
    drawn = model.get("geometry");
    nodes = [...svg.querySelectorAll("[data-pointer]")];
    ways = [...svg.querySelectorAll(".sfn-way")];
    byPointer = new Map(nodes.map((node) => [node.getAttribute("data-pointer") ?? "", node]));
    for (const node of nodes) node.setAttribute("data-words", node.getAttribute("aria-label") ?? "");
    for (const stop of svg.querySelectorAll(".sfn-stop, .sfn-note, .sfn-way")) stop.removeAttribute("display");
    look = camera(box, svg, highest);
    box.toggleAttribute("data-large", nodes.length > 60);
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    showMarks();
    look.fit(READABLE);
    showSelected();
  }

  function show() {
    if (model.get("geometry") !== drawn) return showGeometry();
    showMarks();
    showSelected();
  }

  for (const [text, words, act] of /** @type {[string, string, () => void][]} */ ([
    ["−", "Zoom out", () => look?.zoom(1 / 1.25)],
    ["⤢", "Show all of it", () => look?.fit(0)],
    ["+", "Zoom in", () => look?.zoom(1.25)],
  ])) {
    const button = element("button", { type: "button", title: words, "aria-label": words, "data-lm-suppress-shortcuts": "true" }, text);
    button.addEventListener("click", act);
    tools.append(button);
  }
  tools.append(follow);

  /** @type {{x: number, y: number, moved: boolean} | undefined} */ let drag;
  box.addEventListener("pointerdown", (event) => {
    drag = event.button === 0 ? { x: event.clientX, y: event.clientY, moved: false } : undefined;
  });
  box.addEventListener("pointermove", (event) => {
    if (!drag || !(event.buttons & 1)) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.moved && Math.hypot(dx, dy) < 5) return;
    if (!drag.moved) box.setPointerCapture(event.pointerId);
    look?.pan(dx, dy);
    drag = { x: event.clientX, y: event.clientY, moved: true };
  });
  box.addEventListener("click", (event) => {
    const node = /** @type {Element} */ (event.target).closest("[data-pointer]");
    if (node && !drag?.moved) tell(/** @type {Element} */ (event.target).closest(".sfn-stop") ? "breakpoint" : "select", node);
    drag = undefined;
  });
  box.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    look?.zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }, { passive: false });
  box.addEventListener("keydown", (event) => {
    const node = /** @type {Element} */ (event.target).closest("[data-pointer]");
    const way = ARROWS[/** @type {keyof typeof ARROWS} */ (event.key)];
    const act = { Enter: "select", " ": "select", F9: "breakpoint" }[event.key];
    if (!node || !(way || act) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (act) return tell(act, node);
    const next = /** @type {SVGElement | undefined} */ (neighbour(nodes, node, way));
    if (!next) return;
    for (const other of nodes) other.setAttribute("tabindex", other === next ? "0" : "-1");
    next.focus();
    look?.reveal(next);
  });

  const resized = new ResizeObserver(() => {
    if (look?.view.fitted) look.fit(look.view.scale < READABLE ? 0 : READABLE);
    showSelected();
  });
  resized.observe(el);

  showGeometry();
  model.on("change", show);
  return () => {
    model.off("change", show);
    resized.disconnect();
    window.removeEventListener("beforeprint", before);
    window.removeEventListener("afterprint", after);
  };
}

export default { render };
