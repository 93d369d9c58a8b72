// A slider over all recorded transitions. Python sends `position`, `length` and `words`; this sends {position}.
// Few messages are on their way at a time, and the latest position wins: a drag over 10,000 transitions leaves
// no queue. Two, because one alone waits for the network most of the time.

/** @typedef {{model: any, el: HTMLElement}} Context */

const MOST = 2;
const PATIENCE = 2000; // milliseconds after which answers are no longer waited for

/** @param {Context} context */
function render({ model, el }) {
  const slider = document.createElement("input");
  const count = document.createElement("span");
  for (const [name, value] of Object.entries({ type: "range", min: "0", "aria-label": "Position in the recorded transitions", "data-lm-suppress-shortcuts": "true" }))
    slider.setAttribute(name, value);
  count.className = "sfn-count";
  el.classList.add("sfn-scrubber");
  el.replaceChildren(slider, count);

  let sent = 0; // messages that are on their way
  let timer = 0;
  /** @type {number | undefined} */ let wanted;
  const send = () => {
    if (sent >= MOST || wanted === undefined) return;
    model.send({ position: wanted });
    wanted = undefined;
    sent += 1;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => { sent = 1; answered(); }, PATIENCE);
  };
  const answered = () => {
    sent = Math.max(sent - 1, 0);
    if (!sent) window.clearTimeout(timer);
    if (wanted === undefined) show();
    else send();
  };
  const show = () => {
    const [position, length] = [model.get("position"), model.get("length")];
    slider.max = String(Math.max(length, 1));
    if (!sent && wanted === undefined) slider.value = String(position);
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
    window.clearTimeout(timer);
    model.off("change", show);
    model.off("msg:custom", answered);
  };
}

export default { render };
