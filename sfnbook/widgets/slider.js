// A number with a slider and a field to type in. Python sends `label`, `unit`, `stops` (null: not set), `factor`
// (shown = value × factor), `help`, `problem` and `shown`; `value` goes both ways: what is no number goes as it was typed.

/** @typedef {{model: any, el: HTMLElement}} Context */

/** @param {Context} context */
function render({ model, el }) {
  const id = `sfn-slider-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`; // each view has a module of its own
  const make = (/** @type {string} */ name, /** @type {Record<string, string>} */ attributes) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const label = make("label", { for: id });
  const range = /** @type {HTMLInputElement} */ (make("input", { id, type: "range", min: "0", "data-lm-suppress-shortcuts": "true" }));
  const field = /** @type {HTMLInputElement} */ (
    make("input", { type: "text", inputmode: "decimal", autocomplete: "off", placeholder: "none", "data-lm-suppress-shortcuts": "true" })
  );
  const unit = make("span", { class: "sfn-unit" });
  const problem = make("div", { class: "sfn-problem", id: `${id}-problem`, role: "alert" });
  el.classList.add("sfn-slider");
  el.replaceChildren(label, range, field, unit, problem);

  const stops = () => /** @type {(number | null)[]} */ (model.get("stops"));
  const text = (/** @type {any} */ value) =>
    typeof value === "number" ? String(Number((value * model.get("factor")).toPrecision(10))) : (value ?? "");
  const words = (/** @type {any} */ value) => (value === null ? "not set" : `${text(value)} ${model.get("unit")}`.trim());
  /** The stop that is nearest to a value. @param {any} value */
  const nearest = (value) => {
    if (typeof value !== "number") return Math.max(stops().indexOf(null), 0);
    const far = stops().map((stop) => (stop === null ? Infinity : Math.abs(stop - value)));
    return far.indexOf(Math.min(...far));
  };
  const say = (/** @type {any} */ value) => {
    model.set("value", value);
    model.save_changes();
  };

  function show() {
    const value = model.get("value");
    el.toggleAttribute("hidden", !model.get("shown"));
    label.textContent = model.get("label");
    el.title = model.get("help");
    unit.textContent = model.get("unit");
    range.max = String(stops().length - 1);
    range.value = String(nearest(value));
    range.setAttribute("aria-valuetext", words(value));
    field.setAttribute("aria-label", `${model.get("label")}, ${model.get("unit") || "a number"}`);
    if (document.activeElement !== field || field.value.trim() === "" || !model.get("problem")) field.value = text(value);
    problem.textContent = model.get("problem");
    for (const input of [range, field]) {
      input.toggleAttribute("data-bad", Boolean(model.get("problem")));
      input.setAttribute("aria-describedby", problem.id);
    }
    field.setAttribute("aria-invalid", String(Boolean(model.get("problem"))));
  }
  range.addEventListener("input", () => say(stops()[Number(range.value)]));
  const typed = () => {
    const words = field.value.trim().replace(",", ".");
    const number = Number(words) / model.get("factor");
    say(words === "" ? null : Number.isFinite(number) ? Number(number.toPrecision(12)) : field.value);
  };
  field.addEventListener("change", typed);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") typed(); // JupyterLab keeps the browser from doing it
  });
  show();
  model.on("change", show);
  return () => model.off("change", show);
}

export default { render };
