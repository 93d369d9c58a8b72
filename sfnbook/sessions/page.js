// The page that `Debugger.to_html` writes: a session that is scrubbed without Python.
// The data is JSON in the page itself: `texts` are all texts, once each; a step refers to them by number.
// Texts of a session are shown as text alone; nothing is loaded and nothing is sent.
"use strict";

const data = JSON.parse(document.getElementById("session").textContent);
const { texts, steps, looks } = data;
const byId = (id) => document.getElementById(id);
const text = (number) => (number === null ? "" : texts[number]);
const nodes = new Map([...document.querySelectorAll("svg [data-pointer]")].map((node) => [node.dataset.pointer, node]));
const ways = [...document.querySelectorAll("svg .sfn-way")];
const slider = byId("slider");
let at = 0; // how many transitions are made
let statuses = {};
let notes = {};
let taken = {};

for (const hidden of document.querySelectorAll("svg [display]")) hidden.removeAttribute("display");
for (const node of nodes.values()) node.dataset.words = `${nameOf(node)}, ${node.dataset.type}`;

function nameOf(node) {
  return node.querySelector("title").textContent;
}

function element(tag, words, attributes = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = words;
  return made;
}

// Each step has the statuses that it changed, with those before: [pointer, before, after].
function move(to) {
  const write = (rows, side, known) => rows.forEach((row) => (known[text(row[0])] = row[side]));
  const apply = (step, side) => [write(step.s, side, statuses), write(step.n, side, notes), write(step.v, side, taken)];
  for (; at < to; at++) apply(steps[at], 2);
  for (; at > to; at--) apply(steps[at - 1], 1);
}

function showGraph(step) {
  for (const [pointer, node] of nodes) {
    const name = statuses[pointer] === undefined || statuses[pointer] === null ? "none" : text(statuses[pointer]);
    const look = looks[name];
    if (node.dataset.status !== name) {
      node.dataset.status = name;
      const badge = node.querySelector(".sfn-badge");
      badge.querySelector("path").setAttribute("d", look.icon);
      badge.toggleAttribute("display", false);
    }
    const note = text(notes[pointer] ?? null);
    showNote(node, note);
    const said = name === "none" ? node.dataset.words : `${node.dataset.words}, ${look.label}`;
    node.setAttribute("aria-label", said);
    node.toggleAttribute("data-here", Boolean(step) && text(step.at) === pointer);
  }
}

// The pill of a state: the attempt, or how many iterations are done.
function showNote(node, note) {
  node.toggleAttribute("data-note", note !== "");
  const [label, face] = [node.querySelector(".sfn-note-text"), node.querySelector(".sfn-note-face")];
  if (label.textContent === note) return;
  label.textContent = note;
  const wide = label.getComputedTextLength() + 14;
  face.setAttribute("width", String(wide));
  face.setAttribute("x", String(Number(label.getAttribute("x")) + 7 - wide));
}

function showWays() {
  for (const way of ways) way.toggleAttribute("data-taken", (taken[way.dataset.edge] ?? null) !== null);
}

function fill(id, rows) {
  byId(id).replaceChildren(...rows);
  byId(id).closest("section").hidden = rows.length === 0;
}

function showFacts(step) {
  const rows = [["state", text(step.p)], ["attempt", step.a > 1 ? String(step.a) : ""], ["error", text(step.e)], ["cause", text(step.c)]];
  for (const [pointer, told] of Object.entries(notes)) if (told !== null) rows.push([nameOf(nodes.get(pointer)), text(told)]);
  return rows.filter(([, value]) => value).flatMap(([name, value]) => [element("dt", name), element("dd", value)]);
}

function showFlow(step) {
  const row = ([name, value], place) => {
    const stage = element("div", "");
    const same = place > 0 && step.f[place - 1][1] === value;
    stage.append(element("h3", text(name)), same ? element("p", "as above", { class: "same" }) : element("pre", text(value), { tabindex: "0" }));
    return stage;
  };
  return step.f.map(row);
}

function showNear() {
  const first = Math.max(0, Math.min(at - 6, steps.length - 12));
  const button = (step, number) => {
    const made = element("button", `${number}  ${text(step.p)}  ${text(step.k)}  ${step.t} s`, { type: "button" });
    if (number === at - 1) made.setAttribute("aria-current", "step");
    made.addEventListener("click", () => go(number + 1));
    const item = document.createElement("li");
    item.append(made);
    return item;
  };
  return steps.slice(first, first + 12).map((step, place) => button(step, first + place));
}

function go(to) {
  move(Math.max(0, Math.min(to, steps.length)));
  const step = at ? steps[at - 1] : undefined;
  slider.value = String(at);
  const said = step ? text(step.w) : "Nothing has happened yet.";
  slider.setAttribute("aria-valuetext", `${at} of ${steps.length}: ${said}`);
  byId("where").textContent = `${at} of ${steps.length} transitions · ${step ? step.t : 0} s`;
  byId("said").textContent = said;
  showGraph(step);
  showWays();
  fill("facts", step ? showFacts(step) : []);
  fill("why", step && step.y !== null ? [element("pre", text(step.y), { tabindex: "0" })] : []);
  fill("flow", step ? showFlow(step) : []);
  fill("events", step ? step.h.map(([id, kind]) => element("li", `${id}  ${text(kind)}`)) : []);
  fill("near", showNear());
  byId("back").disabled = byId("first").disabled = at === 0;
  byId("next").disabled = byId("last").disabled = at === steps.length;
}

// The next transition of a state, from the first again after the last.
function visit(pointer) {
  const here = (step) => text(step.at) === pointer;
  const later = steps.findIndex((step, number) => number >= at && here(step));
  const found = later >= 0 ? later : steps.findIndex(here);
  if (found >= 0) go(found + 1);
}

const MOVES = {
  first: () => go(0),
  back: () => go(at - 1),
  next: () => go(at + 1),
  last: () => go(steps.length),
};
const KEYS = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last" };
for (const [id, act] of Object.entries(MOVES)) byId(id).addEventListener("click", act);
slider.addEventListener("input", () => go(Number(slider.value)));
for (const [pointer, node] of nodes) {
  node.addEventListener("click", (event) => [event.stopPropagation(), visit(pointer)]);
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") [event.preventDefault(), event.stopPropagation(), visit(pointer)];
  });
}
document.addEventListener("keydown", (event) => {
  const plain = !event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (!plain || !(event.key in KEYS) || event.target.matches("input, pre")) return;
  event.preventDefault();
  MOVES[KEYS[event.key]]();
});
slider.max = String(steps.length);
byId("controls").hidden = false;
go(data.cursor);
