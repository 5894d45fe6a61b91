// Bundles the tests of this folder and runs them in Node.js: node test/run.mjs
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { options } from "../build.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.CONVCALC_NODE_MODULES || join(here, "..", "node_modules"));
const esbuild = createRequire(join(modules, "x.js"))("esbuild");
const out = mkdtempSync(join(tmpdir(), "convcalc-web-"));
const tests = readdirSync(here).filter((name) => name.endsWith(".test.ts"));
await esbuild.build({
  ...options,
  entryPoints: tests.map((name) => join(here, name)),
  outdir: out,
  outExtension: { ".js": ".mjs" },
  platform: "node",
});
const made = tests.map((name) => join(out, name.replace(/\.ts$/, ".mjs")));
const { status } = spawnSync(process.execPath, ["--test", ...made], { stdio: "inherit" });
rmSync(out, { recursive: true });
process.exit(status ?? 1);
