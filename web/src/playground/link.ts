// The file and what is chosen for it, in the fragment of the address, which no server ever sees.

export interface Saved {
  text: string;
  variant: string;
  input: string;
  convention: string;
}

const MOST_CHARACTERS = 500_000; // of a file that a link may bring
const CHOICES = { v: "variant", i: "input", c: "convention" } as const;

export async function toFragment(saved: Saved): Promise<string> {
  const found = new URLSearchParams({ f: await packed(saved.text) });
  for (const [key, name] of Object.entries(CHOICES)) if (saved[name]) found.set(key, saved[name]);
  return `#${found}`;
}

/** What a fragment holds; null if it has no file. Throws an Error if the file is damaged. */
export async function fromFragment(fragment: string): Promise<Saved | null> {
  const found = new URLSearchParams(fragment.replace(/^#/, ""));
  const file = found.get("f");
  if (file === null) return null;
  const saved: Saved = { text: await unpacked(file), variant: "", input: "", convention: "" };
  for (const [key, name] of Object.entries(CHOICES)) saved[name] = (found.get(key) ?? "").slice(0, 200);
  return saved;
}

async function packed(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function unpacked(file: string): Promise<string> {
  const letters = atob(file.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.pipeThrough(new TextDecoderStream("utf-8", { fatal: true })).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value; // a small link may unfold to a large file, so it is counted on the way
    if (text.length > MOST_CHARACTERS) throw new Error("it is too large");
  }
  return text;
}
