// One of a few: radio buttons side by side. Python sends `label` and `options`; `value` goes both ways.

/** @typedef {{model: any, el: HTMLElement}} Context */

/** @param {Context} context */
function render({ model, el }) {
  const name = `sfn-segments-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`; // each view has a module of its own
  el.classList.add("sfn-segments");

  function show() {
    el.toggleAttribute("hidden", !model.get("shown"));
    const title = document.createElement("span");
    title.id = name;
    title.textContent = model.get("label");
    const group = document.createElement("div");
    group.setAttribute("role", "radiogroup");
    group.setAttribute("aria-labelledby", name);
    const focused = el.contains(document.activeElement);
    for (const option of /** @type {string[]} */ (model.get("options"))) {
      const label = document.createElement("label");
      const radio = document.createElement("input");
      Object.assign(radio, { type: "radio", name, value: option, checked: option === model.get("value") });
      radio.setAttribute("data-lm-suppress-shortcuts", "true");
      label.title = option;
      label.append(radio, document.createTextNode(option));
      group.append(label);
    }
    el.replaceChildren(title, group);
    if (focused) /** @type {HTMLElement | null} */ (el.querySelector("input:checked"))?.focus();
  }
  const onChange = (/** @type {Event} */ event) => {
    model.set("value", /** @type {HTMLInputElement} */ (event.target).value);
    model.save_changes();
  };
  el.addEventListener("change", onChange);
  show();
  model.on("change", show);
  return () => {
    el.removeEventListener("change", onChange);
    model.off("change", show);
  };
}

export default { render };
