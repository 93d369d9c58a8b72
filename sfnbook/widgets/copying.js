// Text to copy: a field that can be selected, and a button. Python sends `text` and `label`.

/** @typedef {{model: any, el: HTMLElement}} Context */

/** @param {Context} context */
function render({ model, el }) {
  const field = document.createElement("textarea");
  const button = document.createElement("button");
  const news = document.createElement("span");
  field.readOnly = true;
  field.spellcheck = false;
  button.type = "button";
  button.className = "jupyter-button sfn-copy";
  button.textContent = "Copy";
  news.setAttribute("role", "status");
  for (const one of [field, button]) one.setAttribute("data-lm-suppress-shortcuts", "true");
  el.classList.add("sfn-copying");
  el.replaceChildren(field, button, news);

  function show() {
    field.value = model.get("text");
    field.rows = Math.min(field.value.split("\n").length, 24);
    field.setAttribute("aria-label", model.get("label"));
    button.setAttribute("aria-label", `Copy: ${model.get("label")}`);
    news.textContent = "";
  }
  async function copy() {
    let copied = true;
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select(); // a page that is not served securely has no clipboard
      copied = document.execCommand("copy");
    }
    news.textContent = copied ? "Copied" : "Press Ctrl+C to copy";
  }
  button.addEventListener("click", copy);
  show();
  model.on("change", show);
  return () => model.off("change", show);
}

export default { render };
