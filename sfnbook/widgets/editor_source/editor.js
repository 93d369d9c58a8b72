// The JSON editor: CodeMirror with line numbers, folding, search and markers for what is wrong.
// Python sends `value` (the text), `problems` ([{line, column, message}]), `label`, `disabled` and `most`
// (its height in lines); this sends `value` back, and {submit: true} on Ctrl+Enter.
// The text itself crosses, never a parsed value: 1.0 and large integers stay what they are.

import { json, jsonParseLinter } from "@codemirror/lang-json";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, linter, forceLinting } from "@codemirror/lint";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";

/** @typedef {{model: any, el: HTMLElement}} Context */

const PAUSE = 150; // milliseconds without a key after which the text is sent

const COLOURS = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--jp-mirror-editor-property-color, #16589a)" },
  { tag: tags.string, color: "var(--jp-mirror-editor-string-color, #a31515)" },
  { tag: tags.number, color: "var(--jp-mirror-editor-number-color, #087a43)" },
  { tag: [tags.bool, tags.null], color: "var(--jp-mirror-editor-keyword-color, #007020)" },
]);

const LOOKS = EditorView.theme({
  "&": { color: "var(--sfn-ink)", backgroundColor: "var(--sfn-paper)", fontSize: "12px" },
  "&.cm-focused": { outline: "2px solid var(--sfn-brand)", outlineOffset: "-1px" },
  ".cm-content": { fontFamily: "var(--jp-code-font-family, ui-monospace, monospace)", caretColor: "var(--sfn-ink)" },
  ".cm-scroller": { lineHeight: "1.55" },
  ".cm-gutters": { backgroundColor: "var(--sfn-soft)", color: "var(--sfn-dim)", borderColor: "var(--sfn-line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--sfn-brand) 7%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--sfn-ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--sfn-brand) 28%, transparent) !important",
  },
  ".cm-tooltip, .cm-panels": { backgroundColor: "var(--sfn-paper)", color: "var(--sfn-ink)", borderColor: "var(--sfn-line)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sfn-soft)", color: "var(--sfn-dim)", borderColor: "var(--sfn-line)" },
});

/** What Python found wrong, where it stands. @param {EditorState} state @param {any[]} problems */
function placed(state, problems) {
  return problems.map(({ line, column, message }) => {
    const at = state.doc.line(Math.min(Math.max(line, 1), state.doc.lines));
    const from = Math.min(at.from + Math.max(column - 1, 0), at.to);
    return { from, to: Math.min(from + 1, at.to), severity: "error", message };
  });
}

/** @param {Context} context */
function render({ model, el }) {
  const locked = new Compartment();
  const lock = () => [EditorView.editable.of(!model.get("disabled")), EditorState.readOnly.of(model.get("disabled"))];
  const parse = jsonParseLinter();
  const check = (/** @type {EditorView} */ view) => {
    if (!view.state.doc.length) return [];
    // Python says where; until it has, the browser's own reader says that something is wrong.
    const told = view.state.doc.toString() === model.get("value") ? model.get("problems") : [];
    return told.length ? placed(view.state, told) : parse(view);
  };

  let timer = 0;
  const send = () => {
    window.clearTimeout(timer);
    timer = 0;
    const text = editor.state.doc.toString();
    if (text === model.get("value")) return;
    model.set("value", text);
    model.save_changes();
  };
  const submit = () => {
    send();
    model.send({ submit: true });
    return true;
  };
  const editor = new EditorView({
    parent: el,
    state: EditorState.create({
      doc: model.get("value"),
      extensions: [
        Prec.highest(keymap.of([{ key: "Mod-Enter", run: submit }])),
        basicSetup,
        json(),
        syntaxHighlighting(COLOURS),
        LOOKS,
        EditorView.lineWrapping,
        linter(check, { delay: PAUSE }),
        lintGutter(),
        locked.of(lock()),
        EditorView.contentAttributes.of({
          "aria-label": model.get("label"),
          "data-lm-suppress-shortcuts": "true",
        }),
        EditorView.updateListener.of(update => {
          if (!update.docChanged || given) return;
          window.clearTimeout(timer);
          timer = window.setTimeout(send, PAUSE);
        }),
        EditorView.domEventHandlers({ blur: send }),
      ],
    }),
  });

  let given = false; // Is the text being set from Python?
  const showValue = () => {
    const text = model.get("value"), doc = editor.state.doc;
    if (text === doc.toString()) return;
    given = true;
    editor.dispatch({ changes: { from: 0, to: doc.length, insert: text } });
    given = false;
  };
  const showProblems = () => forceLinting(editor);
  const showLock = () => editor.dispatch({ effects: locked.reconfigure(lock()) });
  const showLabel = () => editor.contentDOM.setAttribute("aria-label", model.get("label"));
  // Keys that a notebook listens to stay here; the debugger's own (F5 to F11) go on up to its view.
  const keep = (/** @type {KeyboardEvent} */ event) => {
    if (!/^F\d+$/.test(event.key)) event.stopPropagation();
  };
  el.classList.add("sfn-code");
  el.style.setProperty("--lines", String(model.get("most")));
  el.addEventListener("keydown", keep);
  model.on("change:value", showValue);
  model.on("change:problems", showProblems);
  model.on("change:disabled", showLock);
  model.on("change:label", showLabel);
  return () => {
    window.clearTimeout(timer);
    el.removeEventListener("keydown", keep);
    model.off("change:value", showValue);
    model.off("change:problems", showProblems);
    model.off("change:disabled", showLock);
    model.off("change:label", showLabel);
    editor.destroy();
  };
}

export default { render };
