// Where in a YAML text the cursor stands: a path of keys and indices, also while the text is not
// valid, as it is most of the time while somebody writes. It knows the YAML that network files use.

export type Step = string | number; // the key of a mapping, or the index in a sequence

/** What may be written at the cursor.
 *
 * "key" is a key of the mapping at ``path``, beside those that are ``taken``; "value" the scalar at
 * ``path``; "node" either one, where nothing is written yet. */
export interface Context {
  kind: "key" | "value" | "node";
  path: Step[];
  word: string; // what is written already
  from: number; // where the word begins
  taken: string[];
  flow: boolean; // between brackets or braces
  indent: number; // columns before the key in a block
}

interface Frame {
  isSequence: boolean;
  indent: number;
  key: string | null;
  index: number;
  keys: string[];
}

const KEY = /^("[^"]*"|'[^']*'|[^\s#'"[\]{},&*!|>%@`-][^#]*?|-[^\s#][^#]*?)\s*:(?=\s|$)/;

export function contextAt(text: string, cursor: number): Context | null {
  const frames: Frame[] = [];
  for (let offset = 0; offset <= cursor; ) {
    const stop = lineEnd(text, offset);
    const isLast = cursor <= stop;
    const line = text.slice(offset, isLast ? cursor : stop);
    if (!isLast && /^\s*(#|$)/.test(line)) {
      offset = stop + 1;
      continue;
    }
    const { column, hasKey } = feed(frames, line);
    const start = offset + column;
    const value = text.slice(start, isLast ? cursor : stop);
    if (value.startsWith("[") || value.startsWith("{")) {
      const found = scanFlow(text, start, cursor);
      if (!found.closedAt) return flowContext(pathOf(frames), found);
      offset = lineEnd(text, found.closedAt) + 1;
      if (cursor < offset) return null; // behind the brackets
      continue;
    }
    if (isLast) return blockContext(text, frames, line, value, start, hasKey);
    offset = stop + 1;
    if (hasKey && /^[|>]/.test(value)) {
      const past = pastBlockScalar(text, offset, frames.at(-1)?.indent ?? 0);
      if (cursor < past) return null;
      offset = past;
    }
  }
  return null;
}

function lineEnd(text: string, offset: number): number {
  const found = text.indexOf("\n", offset);
  return found < 0 ? text.length : found;
}

/** Takes a line of block style; returns the column where its value begins. */
function feed(frames: Frame[], line: string): { column: number; hasKey: boolean } {
  let indent = line.length - line.trimStart().length;
  let rest = line.slice(indent);
  while ((frames.at(-1)?.indent ?? -1) > indent) frames.pop();
  for (let dash = /^-(\s+|$)/.exec(rest); dash; dash = /^-(\s+|$)/.exec(rest)) {
    const top = frames.at(-1);
    if (top?.isSequence && top.indent === indent) top.index += 1;
    else frames.push({ isSequence: true, indent, key: null, index: 0, keys: [] });
    indent += dash[0].length;
    rest = rest.slice(dash[0].length);
  }
  const top = frames.at(-1);
  if (top?.isSequence && top.indent === indent) frames.pop(); // the mapping that holds it goes on
  const key = KEY.exec(rest);
  if (!key) return { column: indent, hasKey: false };
  const name = plain(key[1] as string);
  const held = frames.at(-1);
  if (held && !held.isSequence && held.indent === indent) {
    held.key = name;
    held.keys.push(name);
  } else frames.push({ isSequence: false, indent, key: name, index: 0, keys: [name] });
  const after = rest.slice(key[0].length);
  const space = after.length - after.trimStart().length;
  return { column: indent + key[0].length + space, hasKey: true };
}

function plain(key: string): string {
  return /^["'].*["']$/.test(key) ? key.slice(1, -1) : key;
}

function pathOf(frames: Frame[]): Step[] {
  return frames.map((frame) => (frame.isSequence ? frame.index : (frame.key ?? "")));
}

function pastBlockScalar(text: string, offset: number, indent: number): number {
  while (offset < text.length) {
    const stop = lineEnd(text, offset);
    const line = text.slice(offset, stop);
    if (line.trim() && line.length - line.trimStart().length <= indent) return offset;
    offset = stop + 1;
  }
  return text.length + 1;
}

function blockContext(
  text: string,
  frames: Frame[],
  line: string,
  word: string,
  from: number,
  hasKey: boolean,
): Context | null {
  if (/(^|\s)#/.test(line) || /^["'&*!]/.test(word)) return null;
  const indent = from - (text.lastIndexOf("\n", from - 1) + 1);
  const found = { word, from, taken: [], flow: false, indent };
  if (hasKey) {
    if (!/\s$/.test(line.slice(0, line.length - word.length))) return null; // right behind the colon
    return { ...found, kind: "value", path: pathOf(frames) };
  }
  const top = frames.at(-1);
  if (top && !top.isSequence && top.indent === indent) {
    const taken = [...top.keys, ...keysBelow(text, lineEnd(text, from) + 1, indent)];
    return { ...found, kind: "key", path: pathOf(frames.slice(0, -1)), taken };
  }
  return { ...found, kind: "node", path: pathOf(frames) };
}

/** The keys that stand further down in the same mapping. */
function keysBelow(text: string, offset: number, indent: number): string[] {
  const found: string[] = [];
  while (offset < text.length) {
    const stop = lineEnd(text, offset);
    const line = text.slice(offset, stop);
    const own = line.length - line.trimStart().length;
    if (line.trim() && own < indent) break;
    const key = own === indent ? KEY.exec(line.slice(own)) : null;
    if (key) found.push(plain(key[1] as string));
    offset = stop + 1;
  }
  return found;
}

// --- between brackets and braces -------------------------------------------------------------------

interface Flow {
  frames: Frame[];
  closedAt: number; // 0 while it is open at the cursor
  word: string;
  from: number;
  isQuoted: boolean;
}

/** Reads a flow collection from its opening to the cursor, or to its end where that comes first. */
function scanFlow(text: string, start: number, cursor: number): Flow {
  const frames: Frame[] = [];
  let from = start;
  let quote = "";
  for (let at = start; at < cursor; at += 1) {
    const char = text[at] as string;
    const top = frames.at(-1);
    if (quote) {
      if (char === quote) quote = "";
    } else if ((char === '"' || char === "'") && !text.slice(from, at).trim()) quote = char;
    else if (char === "#" && /\s/.test(text[at - 1] ?? " ")) {
      at = lineEnd(text, at);
      if (at >= cursor) return { frames, closedAt: 0, word: "#", from: cursor, isQuoted: true };
    } else if (char === "[" || char === "{") {
      frames.push({ isSequence: char === "[", indent: 0, key: null, index: 0, keys: [] });
      from = at + 1;
    } else if (char === "]" || char === "}") {
      frames.pop();
      from = at + 1;
      if (!frames.length) return { frames, closedAt: at, word: "", from, isQuoted: false };
    } else if (char === "," && top) {
      top.index += 1;
      top.key = null;
      from = at + 1;
    } else if (char === ":" && top && /[\s,[\]{}]/.test(text[at + 1] ?? " ")) {
      top.key = plain(text.slice(from, at).trim());
      top.keys.push(top.key);
      from = at + 1;
    }
  }
  const raw = text.slice(from, cursor);
  const word = raw.trimStart();
  const isQuoted = quote !== "" || /^["']/.test(word);
  return { frames, closedAt: 0, word, from: cursor - word.length, isQuoted };
}

function flowContext(base: Step[], flow: Flow): Context | null {
  if (flow.isQuoted) return null;
  const path = [...base];
  for (const frame of flow.frames) {
    if (frame.isSequence) path.push(frame.index);
    if (frame.key !== null) path.push(frame.key);
  }
  const top = flow.frames.at(-1) as Frame;
  const kind = top.key !== null ? "value" : top.isSequence ? "node" : "key";
  const taken = kind === "key" ? top.keys : [];
  return { kind, path, word: flow.word, from: flow.from, taken, flow: true, indent: 0 };
}
