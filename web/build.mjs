// Builds the playground into a folder: node build.mjs OUT. docs/playground.py adds the wheels.
// The packages of npm are in node_modules here, or in the folder that CONVCALC_NODE_MODULES names.
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.CONVCALC_NODE_MODULES || join(here, "node_modules"));
const out = resolve(process.argv[2] || join(here, "dist"));
const source = join(here, "src", "playground");
const esbuild = createRequire(join(modules, "x.js"))("esbuild");

/** How every script here is bundled; the tests use it too. */
export const options = {
  bundle: true,
  format: "esm",
  target: "es2022",
  loader: { ".py": "text" },
  nodePaths: [modules],
  alias: { "network-schema": join(here, "..", "docs", "network.schema.json") },
  logLevel: "warning",
};

// What Pyodide is made of; its list of packages is left out, since none is loaded.
const PYODIDE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"];

async function build() {
  mkdirSync(join(out, "pyodide"), { recursive: true });
  const made = await esbuild.build({
    ...options,
    entryPoints: { playground: join(source, "main.ts"), worker: join(source, "worker.ts") },
    outdir: out,
    minify: true,
    metafile: true,
    legalComments: "none", // they are in licenses.txt
  });
  for (const name of ["index.html", "playground.css"]) copyFileSync(join(source, name), join(out, name));
  copyFileSync(join(here, "..", "docs", "site", "logo.svg"), join(out, "logo.svg"));
  const pyodide = join(modules, "pyodide");
  for (const name of PYODIDE) copyFileSync(join(pyodide, name), join(out, "pyodide", name));
  const { info } = JSON.parse(readFileSync(join(pyodide, "pyodide-lock.json"), "utf8"));
  writeFileSync(join(out, "pyodide", "pyodide-lock.json"), JSON.stringify({ info, packages: {} }));
  writeFileSync(join(out, "licenses.txt"), licenses(Object.keys(made.metafile.inputs)));
}

/** The licenses of all packages whose code is in the scripts, and of Pyodide. */
function licenses(inputs) {
  const bundled = inputs.map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  const names = [...new Set([...bundled.filter(Boolean), "pyodide"])].sort();
  return names.map(license).join(`\n${"-".repeat(80)}\n\n`);
}

function license(name) {
  const folder = join(modules, name);
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? readFileSync(join(folder, file), "utf8") : "";
  const home = about.homepage || about.repository?.url || "";
  return `${name} ${about.version}, ${about.license} ${home}\n\n${text}`;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (!existsSync(modules)) throw new Error("there is no node_modules; run: npm ci --prefix web");
  await build();
}
