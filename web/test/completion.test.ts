// Where the cursor stands, and what is offered there. A bar marks the cursor.
import assert from "node:assert/strict";
import { test } from "node:test";
import schema from "network-schema";
import { meaning, offered } from "../src/playground/completion.ts";
import { Schema } from "../src/playground/schema.ts";
import { contextAt } from "../src/playground/yaml_context.ts";

const SCHEMA = new Schema(schema);
const NAMES = { blocks: { ConvBn: ["out", "k"], "b.Double": ["c"] }, params: ["width"] };

function cut(marked: string): [string, number] {
  const cursor = marked.indexOf("|");
  return [marked.replace("|", ""), cursor];
}

function context(marked: string) {
  return contextAt(...cut(marked));
}

function labels(marked: string): string[] {
  const [text, cursor] = cut(marked);
  const found = contextAt(text, cursor);
  return found ? offered(SCHEMA, found, text, NAMES).map((each) => each.label) : [];
}

const PLACES: [string, string, (string | number)[], string][] = [
  ["|", "node", [], ""],
  ["con|", "node", [], "con"],
  ["convcalc: 1\nin|", "key", [], "in"],
  ["layers:\n- co|", "node", ["layers", 0], "co"],
  ["layers:\n  - conv\n  - re|", "node", ["layers", 1], "re"],
  ["layers:\n- conv: {|", "key", ["layers", 0, "conv"], ""],
  ["layers:\n- conv: {out: 8, pa|}", "key", ["layers", 0, "conv"], "pa"],
  ["layers:\n- conv: {out: 8, padding_mode: ze|}", "value", ["layers", 0, "conv", "padding_mode"], "ze"],
  ["layers:\n- conv:\n    out: 8\n    bias: f|", "value", ["layers", 0, "conv", "bias"], "f"],
  ["layers:\n- conv:\n    ou|", "node", ["layers", 0, "conv"], "ou"],
  ["layers:\n- conv: 1\n  i|", "key", ["layers", 0], "i"],
  ["layers:\n- residual: [relu, {conv: {out: 8}}, ba|]", "node", ["layers", 0, "residual", 2], "ba"],
  ["layers:\n- residual: [conv: {k|", "key", ["layers", 0, "residual", 0, "conv"], "k"],
  ["layers:\n- residual:\n  - conv: {out: 8,\n      k: 3, s|", "key", ["layers", 0, "residual", 0, "conv"], "s"],
  ["layers:\n- {conv: {out: 8}, r|}", "key", ["layers", 0], "r"],
  ["blocks:\n  A:\n    layers:\n    - relu\n    pa|", "key", ["blocks", "A"], "pa"],
  ["a: >-\n  text: is\n  no key\nin|", "key", [], "in"],
  ["a: {b: [1,\n  2]}\n\n# note\nin|", "key", [], "in"],
  ["layers:\n- - relu\n  - ge|", "node", ["layers", 0, 1], "ge"],
  ["variants:\n  wide: {wi|", "key", ["variants", "wide"], "wi"],
];

for (const [marked, kind, path, word] of PLACES)
  test(`the place in ${JSON.stringify(marked)}`, () => {
    const found = context(marked);
    assert.deepEqual([found?.kind, found?.path, found?.word], [kind, path, word]);
  });

test("nothing is offered in comments, texts, behind a value and before the space of a key", () => {
  const marked = ["# co|", "name: a # co|", "name: 'co|", "a: [1] |", "name:|", "note: |-\n  co|", "a: {b: 'x, c|"];
  for (const each of marked.slice(0, 5)) assert.equal(context(each), null, each);
  assert.equal(contextAt("note: |-\n  co", 13), null);
  assert.equal(context(marked[6] as string), null);
});

test("keys that are there already are not offered, whether above or below", () => {
  const found = labels("convcalc: 1\n|\nlayers: []");
  assert.ok(found.includes("input") && found.includes("variants"));
  assert.ok(!found.includes("convcalc") && !found.includes("layers"));
});

test("an item is an operator, a composite or a block", () => {
  const found = labels("layers:\n- |");
  for (const name of ["conv", "relu", "residual", "branches", "repeat", "ConvBn", "b.Double"])
    assert.ok(found.includes(name), name);
  assert.equal(found.length, new Set(found).size);
});

test("an operator has its fields, a block its params", () => {
  const fields = labels("layers:\n- conv: {out: 8, |}");
  for (const name of ["kernel_size", "k", "padding_mode"]) assert.ok(fields.includes(name), name);
  assert.ok(!fields.includes("id") && !fields.includes("out"));
  assert.deepEqual(labels("layers:\n- ConvBn: {out: 8, |}"), ["k"]);
});

test("values are those of the schema, and the names of the file", () => {
  const modes = labels("layers:\n- conv: {padding_mode: |}");
  for (const name of ["zeros", "reflect", "replicate", "circular"]) assert.ok(modes.includes(name), name);
  assert.deepEqual(labels("layers:\n- conv: {bias: |}").slice(0, 2), ["true", "false"]);
  assert.ok(labels("layers:\n- conv: {out: |}").includes("width"));
  const read = labels("layers:\n- {conv: {out: 8}, id: stem}\n- {relu: {}, from: |}");
  assert.deepEqual(read.slice(0, 3), ["prev", "input", "stem"]);
});

test("a key under the pointer is explained", () => {
  const text = "layers:\n- conv: {out: 8, padding_mode: zeros}\n";
  const at = (word: string) => meaning(SCHEMA, text, text.indexOf(word) + 1);
  assert.match(at("conv")?.doc ?? "", /^Convolution over/);
  assert.match(at("padding_mode")?.doc ?? "", /fills the padding/);
  assert.deepEqual([at("out")?.from, at("out")?.to], [17, 20]);
  assert.equal(at("zeros"), null);
  assert.equal(meaning(SCHEMA, text, text.length), null);
});

test("what is not in the schema has no keys", () => {
  assert.deepEqual(labels("nonsense:\n  |"), []);
});
