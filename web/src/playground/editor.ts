// The editor: CodeMirror in a shadow root, whose style sheets a strict Content-Security-Policy
// allows, since they are made by the script and not written into the page.
import { autocompletion, closeBrackets, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import {
  HighlightStyle,
  bracketMatching,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension, type Text } from "@codemirror/state";
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import schema from "network-schema";
import { h } from "../shared/dom.ts";
import type { Names, Placed, Problem } from "./answers.ts";
import { completion, meaning } from "./completion.ts";
import { Schema } from "./schema.ts";
import { lines, overSelection } from "./typing.ts";

const colors = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--key)" },
  { tag: [tags.string, tags.content], color: "var(--text)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--number)" },
  { tag: tags.comment, color: "var(--dim)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--dim)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "0.85rem", color: "var(--text)", background: "var(--page)" },
  "&.cm-focused": { outline: "none" }, // the frame around it is drawn by the page
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { background: "var(--panel)", color: "var(--dim)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { background: "var(--line)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { background: "var(--selection)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { background: "var(--selection)" },
  ".cm-selectionMatch": { background: "var(--line)" },
  ".cm-tooltip": {
    background: "var(--panel)",
    color: "var(--text)",
    border: "1px solid var(--border)",
    maxWidth: "min(36rem, 92vw)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "14em" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    background: "var(--accent)",
    color: "var(--on-accent)",
  },
  ".cm-completionDetail": { color: "inherit", opacity: "0.75", fontStyle: "normal" },
  ".cm-completionInfo": { padding: "0.4rem 0.6rem", maxWidth: "20rem" },
  ".cm-panels": { background: "var(--panel)", color: "var(--text)", borderColor: "var(--border)" },
  ".cm-panels input, .cm-panels button": {
    background: "var(--page)",
    color: "var(--text)",
    border: "1px solid var(--border)",
    backgroundImage: "none",
  },
  ".cm-meaning": { padding: "0.3rem 0.6rem", maxWidth: "28rem" },
  ".cm-diagnostic": { padding: "0.3rem 0.6rem", whiteSpace: "normal" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--error)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warning)" },
  ".cm-lintRange-error, .cm-lintRange-warning, .cm-lintRange-info": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--error) 1.5px",
    textUnderlineOffset: "3px",
  },
  ".cm-lintRange-warning": { textDecorationColor: "var(--warning)" },
  ".cm-lintRange-info": { textDecorationColor: "var(--accent)" },
  ".cm-lint-marker-error": { content: "none" },
  ".cm-lint-marker-warning": { content: "none" },
  ".cm-lint-marker": { width: "0.8em", height: "0.8em", borderRadius: "50%", margin: "0.35em 0.1em" },
  ".cm-lint-marker.cm-lint-marker-error": { background: "var(--error)" },
  ".cm-lint-marker.cm-lint-marker-warning": { background: "var(--warning)", borderRadius: "0" },
  ".cm-lint-marker.cm-lint-marker-info": { background: "var(--accent)" },
});

export class Editor {
  private readonly view: EditorView;
  private names: Names = { blocks: {}, params: [] };

  constructor(parent: HTMLElement, changed: () => void) {
    const root = parent.attachShadow({ mode: "open" });
    const wrap = h("div");
    wrap.style.height = "100%";
    root.append(wrap);
    const known = new Schema(schema);
    const source = completion(known, () => this.names);
    this.view = new EditorView({
      root,
      parent: wrap,
      state: EditorState.create({
        extensions: [
          lineNumbers(),
          lintGutter(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          history(),
          drawSelection(),
          indentUnit.of("  "),
          EditorState.tabSize.of(2),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ override: [source], icons: false, closeOnBlur: true }),
          explained(known),
          highlightSelectionMatches(),
          overSelection,
          yaml(),
          syntaxHighlighting(colors),
          look,
          EditorView.contentAttributes.of({
            "aria-label": "Network file",
            spellcheck: "false",
            autocapitalize: "off",
          }),
          // Tab is not bound: it moves the focus on, so that nobody is caught in the editor.
          keymap.of([
            ...completionKeymap,
            lines,
            ...defaultKeymap,
            ...searchKeymap,
            ...historyKeymap,
            ...lintKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed();
          }),
        ],
      }),
    });
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  /** Replaces the whole text, as a step that can be undone. */
  set text(text: string) {
    const changes = { from: 0, to: this.view.state.doc.length, insert: text };
    this.view.dispatch({ changes, selection: { anchor: 0 }, scrollIntoView: true });
  }

  /** Offers these names from now on; without names those that were known before. */
  offer(names: Names | null): void {
    if (names) this.names = names;
  }

  /** Marks problems at their places. */
  mark(problems: Problem[]): void {
    const doc = this.view.state.doc;
    const found = problems.filter((problem) => problem.line > 0);
    const marks = found.map((problem): Diagnostic => {
      const [from, to] = span(doc, problem);
      const severity = problem.severity === "note" ? "info" : problem.severity;
      const renderMessage = () => described(problem);
      return { from, to, severity, message: `${problem.name}: ${problem.message}`, renderMessage };
    });
    marks.sort((a, b) => a.from - b.from);
    this.view.dispatch(setDiagnostics(this.view.state, marks));
  }

  /** Moves the cursor to a place and the focus to the editor. */
  go(place: Placed): void {
    const [from] = span(this.view.state.doc, place);
    this.show(from);
    this.view.focus();
  }

  /** Shows a line without taking the focus. */
  showLine(line: number): void {
    const doc = this.view.state.doc;
    if (line <= doc.lines) this.show(doc.line(line).from);
  }

  private show(at: number): void {
    const effects = EditorView.scrollIntoView(at, { y: "center" });
    this.view.dispatch({ selection: { anchor: at }, effects });
  }
}

/** Offsets of a place, whose columns count code points; at least one character where there is one. */
function span(doc: Text, place: Placed): [number, number] {
  const line = doc.line(Math.min(Math.max(place.line, 1), doc.lines));
  const points = [...line.text];
  const offset = (column: number) => points.slice(0, Math.max(column - 1, 0)).join("").length;
  const from = line.from + Math.min(offset(place.column), line.length);
  const to = line.from + Math.min(offset(Math.max(place.end, place.column + 1)), line.length);
  return [from, Math.max(from, to)];
}

/** Says what a key means when the pointer rests on it. */
function explained(known: Schema): Extension {
  return hoverTooltip((view, offset) => {
    const found = meaning(known, view.state.doc.toString(), offset);
    if (!found) return null;
    const create = () => ({ dom: h("div", { class: "cm-meaning" }, found.doc) });
    return { pos: found.from, end: found.to, above: true, create };
  });
}

/** A problem as the terminal shows it, below the line that the editor marks. */
export function described(problem: Problem): HTMLElement {
  const title = `${problem.severity}[${problem.code}] ${problem.name}: `;
  const lines: (Node | string)[] = [h("div", {}, h("strong", {}, title), problem.message)];
  if (problem.measured) lines.push(h("div", {}, problem.measured));
  if (problem.within) lines.push(h("div", {}, problem.within));
  for (const note of problem.notes) lines.push(h("div", {}, note));
  for (const other of problem.related) lines.push(h("div", {}, `${other.where}: ${other.note}`));
  if (problem.help) lines.push(h("div", {}, h("strong", {}, "help: "), problem.help));
  return h("div", {}, ...lines);
}
