// The JSON schema of network files as what an editor asks: what may stand at a path.
import type { Step } from "./yaml_context.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Part = { [key: string]: Json };

/** A key or a scalar that may be written. */
export interface Entry {
  name: string;
  doc: string;
  default?: string;
  shape: Shape;
}

/** What follows a key: a scalar, a mapping, layers, or sizes in brackets. */
export type Shape = "scalar" | "mapping" | "layers" | "sizes";

/** The alternatives of a part of the schema, with the definitions that they went through. */
interface Reached {
  parts: Part[];
  via: Set<string>;
}

export class Schema {
  constructor(private readonly root: Json) {}

  /** What may stand at a path of a file. */
  at(path: Step[]): Reached {
    let found = this.expanded([this.root]);
    for (const step of path) {
      const next = found.parts.flatMap((part) => below(part, step));
      found = this.expanded(next);
    }
    return found;
  }

  /** The keys of the mapping at a path. */
  keys(path: Step[]): Entry[] {
    const found = new Map<string, Entry>();
    for (const part of this.at(path).parts)
      for (const [name, value] of Object.entries(asPart(part.properties) ?? {}))
        if (value !== false && !found.has(name)) found.set(name, this.entry(name, value));
    return [...found.values()];
  }

  /** The words that may be the scalar at a path. */
  values(path: Step[]): Entry[] {
    const found = new Map<string, Entry>();
    const add = (value: Json | undefined, doc = ""): void => {
      const name = String(value);
      if (!found.has(name)) found.set(name, { name, doc, shape: "scalar" });
    };
    for (const part of this.at(path).parts) {
      if (Array.isArray(part.enum)) part.enum.forEach((value) => add(value));
      if (part.const !== undefined) add(part.const);
      if (types(part).includes("boolean")) ["true", "false"].forEach((word) => add(word));
    }
    return [...found.values()];
  }

  /** Whether the schema of a path refers to this definition. */
  passes(path: Step[], definition: string): boolean {
    return this.at(path).via.has(definition);
  }

  private entry(name: string, value: Json): Entry {
    const { parts, via } = this.expanded([value]);
    const doc = parts.map((part) => part.description).find((text) => typeof text === "string");
    const given = parts.map((part) => part.default).find((each) => each !== undefined);
    const entry: Entry = { name, doc: (doc as string | undefined) ?? "", shape: shape(parts, via) };
    if (given !== undefined) entry.default = JSON.stringify(given);
    return entry;
  }

  private expanded(values: Json[]): Reached {
    const parts: Part[] = [];
    const via = new Set<string>();
    const visit = (value: Json | undefined): void => {
      const part = asPart(value);
      if (!part || parts.includes(part)) return;
      parts.push(part);
      if (typeof part.$ref === "string") {
        const name = part.$ref.split("/").at(-1) ?? "";
        via.add(name);
        visit(asPart(asPart(this.root)?.definitions)?.[name]);
      }
      for (const key of ["anyOf", "oneOf", "allOf"]) {
        const several = part[key];
        if (Array.isArray(several)) several.forEach(visit);
      }
      visit(part.then);
      visit(part.else);
    };
    values.forEach(visit);
    return { parts, via };
  }
}

function asPart(value: Json | undefined): Part | null {
  return value && typeof value === "object" && !Array.isArray(value) ? value : null;
}

function below(part: Part, step: Step): Json[] {
  if (typeof step === "number") {
    const items = part.items;
    if (Array.isArray(items)) return items[step] === undefined ? [] : [items[step]];
    return items === undefined ? [] : [items];
  }
  const own = asPart(part.properties)?.[step];
  if (own !== undefined) return [own];
  const patterns = Object.entries(asPart(part.patternProperties) ?? {});
  const found = patterns.filter(([pattern]) => new RegExp(pattern, "u").test(step));
  if (found.length) return found.map(([, value]) => value);
  return asPart(part.additionalProperties) ? [part.additionalProperties as Json] : [];
}

function types(part: Part): string[] {
  const found = part.type;
  if (typeof found === "string") return [found];
  return Array.isArray(found) ? found.filter((each) => typeof each === "string") : [];
}

function shape(parts: Part[], via: Set<string>): Shape {
  if (via.has("layers") || parts.some((part) => asPart(part.items)?.$ref === "#/definitions/item"))
    return "layers";
  if (via.has("shape")) return "sizes";
  const all = parts.flatMap(types);
  const isMapping = all.includes("object") && all.every((type) => /object|array|null/.test(type));
  return isMapping ? "mapping" : "scalar";
}
