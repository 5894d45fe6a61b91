// Two things that a keyboard does otherwise in this editor than in CodeMirror's own.
import { insertNewlineAndIndent } from "@codemirror/commands";
import { EditorSelection, type Extension } from "@codemirror/state";
import { EditorView, type KeyBinding } from "@codemirror/view";
import { contextAt } from "./yaml_context.ts";

/** A new line: deeper below a key, else at the dash of the item or the key above. */
function newLine(view: EditorView): boolean {
  const { state } = view;
  const { main } = state.selection;
  const line = state.doc.lineAt(main.head);
  const before = state.sliceDoc(line.from, main.head);
  const isOpen = contextAt(state.doc.toString(), main.head)?.flow ?? false;
  if (!main.empty || isOpen || !before.trim()) return insertNewlineAndIndent(view);
  const space = before.length - before.trimStart().length;
  const dashes = /^(\s*)((?:-\s+)*)/.exec(before)?.[0].length ?? space;
  const indent = /:\s*$/.test(before) ? dashes + 2 : space;
  const insert = `\n${" ".repeat(indent)}`;
  view.dispatch(state.replaceSelection(insert), { scrollIntoView: true, userEvent: "input" });
  return true;
}

export const lines: KeyBinding = { key: "Enter", run: newLine };

/** Text over a selection, put in by the script: Chromium would style it in the page, for a moment,
 * which the Content-Security-Policy forbids. */
export const overSelection: Extension = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection;
    const text = event.data;
    if (event.inputType !== "insertText" || !text || main.empty || view.composing) return false;
    event.preventDefault();
    const { from, to } = main;
    const change = () =>
      view.state.update({
        changes: { from, to, insert: text },
        selection: EditorSelection.cursor(from + text.length),
        userEvent: "input.type",
        scrollIntoView: true,
      });
    const handlers = view.state.facet(EditorView.inputHandler);
    if (!handlers.some((handle) => handle(view, from, to, text, change))) view.dispatch(change());
    return true;
  },
});
