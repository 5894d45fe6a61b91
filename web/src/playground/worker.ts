// Python in a worker: typing never waits for it, and what takes too long is ended with it.
import type { PyodideAPI, loadPyodide as Load } from "pyodide";
import adapter from "./adapter.py";

interface Request {
  id: number;
  name: string;
  values: unknown[];
}

const here = new URL(".", self.location.href).href;

/** Loads Python and convcalc, all of it from the folder of this script. */
async function load(): Promise<PyodideAPI> {
  const wheels: Promise<ArrayBuffer[]> = fetched("wheels.json")
    .then((found) => found.json() as Promise<string[]>)
    .then((names) => Promise.all(names.map(async (name) => (await fetched(name)).arrayBuffer())));
  wheels.catch(() => undefined); // awaited below, where it is reported
  const { loadPyodide } = (await import(`${here}pyodide/pyodide.mjs`)) as {
    loadPyodide: typeof Load;
  };
  const python = await loadPyodide({ indexURL: `${here}pyodide/` });
  postMessage({ stage: "convcalc" });
  const folder = python.runPython("import site; site.getsitepackages()[0]") as string;
  for (const wheel of await wheels) python.unpackArchive(wheel, "zip", { extractDir: folder });
  python.FS.writeFile(`${folder}/adapter.py`, adapter);
  python.runPython("import importlib; importlib.invalidate_caches()");
  return python;
}

async function fetched(name: string): Promise<Response> {
  const found = await fetch(new URL(name, here));
  if (!found.ok) throw new Error(`${name}: ${found.status}`);
  return found;
}

const loading = load().then((python) => {
  const module = python.pyimport("adapter");
  postMessage({ stage: "ready" });
  return module;
});
const failed = (error: unknown) => postMessage({ stage: "failed", error: String(error) });
loading.catch(failed);
// Where its own parts cannot be loaded, Pyodide never ends, and tells nobody but the worker.
self.addEventListener("unhandledrejection", (event) => failed(event.reason));

self.addEventListener("message", async (event: MessageEvent<Request>) => {
  const { id, name, values } = event.data;
  const module = await loading;
  try {
    postMessage({ id, answer: JSON.parse(module[name](...values) as string) });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
});
