// A slider over all recorded transitions. Python sends `position`, `length` and `words`; this sends {position}.
// One message is on its way at a time, and the latest position wins: a drag over 10,000 transitions leaves no queue.

/** @typedef {{model: any, el: HTMLElement}} Context */

const PATIENCE = 2000; // milliseconds after which an answer is no longer waited for

/** @param {Context} context */
function render({ model, el }) {
  const slider = document.createElement("input");
  const count = document.createElement("span");
  for (const [name, value] of Object.entries({ type: "range", min: "0", "aria-label": "Position in the recorded transitions", "data-lm-suppress-shortcuts": "true" }))
    slider.setAttribute(name, value);
  count.className = "sfn-count";
  el.classList.add("sfn-scrubber");
  el.replaceChildren(slider, count);

  let waiting = 0; // the timer of the message that is on its way
  /** @type {number | undefined} */ let wanted;
  const send = () => {
    if (waiting || wanted === undefined) return;
    model.send({ position: wanted });
    wanted = undefined;
    waiting = window.setTimeout(answered, PATIENCE);
  };
  const answered = () => {
    window.clearTimeout(waiting);
    waiting = 0;
    if (wanted === undefined) show();
    else send();
  };
  const show = () => {
    const [position, length] = [model.get("position"), model.get("length")];
    slider.max = String(Math.max(length, 1));
    if (!waiting && wanted === undefined) slider.value = String(position);
    slider.setAttribute("aria-valuetext", `transition ${position} of ${length}: ${model.get("words")}`);
    count.textContent = `${position.toLocaleString("en")} / ${length.toLocaleString("en")}`;
  };
  slider.addEventListener("input", () => {
    wanted = Number(slider.value);
    send();
  });
  show();
  model.on("change", show);
  model.on("msg:custom", answered);
  return () => {
    window.clearTimeout(waiting);
    model.off("change", show);
    model.off("msg:custom", answered);
  };
}

export default { render };
