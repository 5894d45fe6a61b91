// What completion offers, from the schema of network files and the names of the file itself.
import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  startCompletion,
} from "@codemirror/autocomplete";
import type { EditorView } from "@codemirror/view";
import type { Names } from "./answers.ts";
import type { Entry, Schema } from "./schema.ts";
import { type Context, contextAt } from "./yaml_context.ts";

const WORD = /^[\w.-]*$/;
const NAME = /^[A-Za-z_]\w*$/;
// What most networks are made of comes before operators whose names begin alike.
const COMMON = new Set(["conv", "batch_norm", "relu", "max_pool", "linear", "residual", "branches"]);

/** A source of completion; ``names`` are those of the file as it was read last. */
export function completion(schema: Schema, names: () => Names) {
  return (context: CompletionContext): CompletionResult | null => {
    const text = context.state.doc.toString();
    const place = contextAt(text, context.pos);
    if (!place || !WORD.test(place.word)) return null;
    if (!context.explicit && !place.word && !(place.flow && place.kind === "key")) return null;
    const options = offered(schema, place, text, names());
    return options.length ? { from: place.from, options, validFor: WORD } : null;
  };
}

/** What a key at an offset of a text means, and where it stands; null where there is none. */
export function meaning(
  schema: Schema,
  text: string,
  offset: number,
): { from: number; to: number; doc: string } | null {
  const rest = /^[\w.]*/.exec(text.slice(offset))?.[0] ?? "";
  const to = offset + rest.length;
  const place = contextAt(text, to);
  if (!place?.word || place.kind === "value" || place.from > offset) return null;
  const doc = schema.keys(place.path).find((entry) => entry.name === place.word)?.doc;
  return doc ? { from: place.from, to, doc } : null;
}

/** What may be written at a place of a text. */
export function offered(schema: Schema, place: Context, text: string, names: Names): Completion[] {
  const isItem = schema.passes(place.path, "item") || schema.passes(place.path, "layer");
  const found: Completion[] = [];
  if (place.kind !== "value") {
    const bare = place.kind === "node" && isItem ? schema.values(place.path) : [];
    const isBare = new Set(bare.map((entry) => entry.name));
    const left = schema.keys(place.path).filter((entry) => !place.taken.includes(entry.name));
    found.push(...left.map((entry) => key(entry, place, isItem, isBare.has(entry.name))));
    if (isItem) found.push(...blocks(names));
    found.push(...blockParams(place, names));
  }
  if (place.kind !== "key") {
    const there = new Set(found.map((each) => each.label));
    const values = schema.values(place.path).filter((entry) => !there.has(entry.name));
    found.push(...values.map((entry) => ({ label: entry.name, type: "value", boost: 2 })));
    found.push(...references(schema, place, text), ...params(schema, place, names));
  }
  return inOrder(found);
}

/** The same, so that of words that fit equally well the first ones stay the first. */
function inOrder(found: Completion[]): Completion[] {
  return found.map((each, index) => ({ ...each, boost: (each.boost ?? 0) - index / 1000 }));
}

/** A key with what follows it; ``isBare`` says that it may stand alone, as ``- relu`` does. */
function key(entry: Entry, place: Context, isItem: boolean, isBare: boolean): Completion {
  const found: Completion = { label: entry.name, type: "key", boost: COMMON.has(entry.name) ? 2 : 1 };
  const given = entry.default === undefined ? "" : `default ${entry.default}`;
  if (given) found.detail = given;
  if (entry.doc) found.info = entry.doc;
  found.apply = isBare ? entry.name : inserting(`${entry.name}: `, ...behind(entry, place, isItem));
  return found;
}

/** What stands behind a key, before and after the cursor. */
function behind(entry: Entry, place: Context, isItem: boolean): [string, string] {
  const below = `\n${" ".repeat(place.indent + 2)}`;
  if (entry.shape === "sizes") return ["[", "]"];
  if (entry.shape === "layers") return place.flow || isItem ? ["[", "]"] : [`${below}- `, ""];
  if (entry.shape === "mapping") return place.flow || isItem ? ["{", "}"] : [below, ""];
  return ["", ""];
}

function inserting(key: string, before: string, after: string) {
  return (view: EditorView, _: Completion, from: number, to: number): void => {
    const next = view.state.doc.sliceString(to, to + 1);
    const [head, tail] = next === ":" ? [key.slice(0, -2), ""] : [key + before, after];
    const insert = (head + tail).replace(/: \n/, ":\n");
    const anchor = from + insert.length - tail.length;
    view.dispatch({ changes: { from, to, insert }, selection: { anchor }, userEvent: "input.complete" });
    if (before) startCompletion(view);
  };
}

/** The blocks of the file, as items. */
function blocks(names: Names): Completion[] {
  return Object.entries(names.blocks).map(([name, params]) => ({
    label: name,
    type: "block",
    detail: params.join(", "),
    info: "a block of this file, or of one that it imports",
    apply: inserting(`${name}: `, "{", "}"),
    boost: 3,
  }));
}

/** The params of a block, where values for them are given. */
function blockParams(place: Context, names: Names): Completion[] {
  const name = String(place.path.at(-1) ?? "");
  if (place.path.at(-2) === "blocks" || !Object.hasOwn(names.blocks, name)) return [];
  const left = (names.blocks[name] ?? []).filter((each) => !place.taken.includes(each));
  const made = (each: string) => inserting(`${each}: `, "", "");
  return left.map((each) => ({ label: each, type: "key", apply: made(each), boost: 3 }));
}

/** The layers that a value may refer to. */
function references(schema: Schema, place: Context, text: string): Completion[] {
  if (!schema.passes(place.path, "reference")) return [];
  const ids = [...text.matchAll(/\bid:\s*([A-Za-z_]\w*)/g)].map((match) => match[1] as string);
  const labels = [...new Set(["prev", "input", ...ids])];
  return labels.map((label) => ({ label, type: "value", boost: 1 }));
}

/** The params that an expression may name. */
function params(schema: Schema, place: Context, names: Names): Completion[] {
  if (!schema.passes(place.path, "expression")) return [];
  const all = [...names.params, ...Object.values(names.blocks).flat(), "in_channels"];
  const labels = [...new Set(all)].filter((label) => NAME.test(label));
  return labels.map((label) => ({ label, type: "value", detail: "param", boost: -1 }));
}
