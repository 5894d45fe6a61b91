// The page: the editor on one side, what convcalc says of the file on the other.
import { byId, h } from "../shared/dom.ts";
import type { Analysis, Choices, Failure, Problem, Row } from "./answers.ts";
import { Editor, described } from "./editor.ts";
import { type Saved, fromFragment, toFragment } from "./link.ts";
import { MOST_SECONDS, Machine, type State, Unanswered } from "./machine.ts";
import { tableOf } from "./table.ts";

const PAUSE = 300; // milliseconds without a key before a text is computed
const START = `convcalc: 1
name: tiny
input: [3, 64, 64]
blocks:
  ConvBn:
    params: {out: int, s: 1}
    layers:
      - conv: {out: out, k: 3, s: s, p: 1, bias: false}
      - batch_norm
      - relu
layers:
  - ConvBn: {out: 32, s: 2}
  - {ConvBn: {out: 64}, repeat: 2, id: body}
  - residual: [{ConvBn: {out: in_channels}}]
  - global_avg_pool
  - linear: {out: 10}
`;

const examples = byId("examples", HTMLSelectElement);
const variant = byId("variant", HTMLSelectElement);
const input = byId("input", HTMLInputElement);
const convention = byId("convention", HTMLSelectElement);
const depth = byId("depth", HTMLSelectElement);
const status = byId("status", HTMLElement);
const stop = byId("stop", HTMLButtonElement);
const problems = byId("problems", HTMLElement);
const results = byId("results", HTMLElement);
const picture = byId("field", HTMLElement);
const copied = byId("copied", HTMLElement);

const editor = new Editor(byId("editor", HTMLElement), () => edited());
const machine = new Machine(new URL("worker.js", import.meta.url), showState);

let timer = 0;
let turn = 0; // of the text that is computed; what comes from an older one is dropped
let selected = ""; // the path of the row whose field is shown; the output if it is empty
let table: Analysis["table"] = null;
let said = ""; // what the status line says while nothing runs
let pattern: Choices["patterns"] = [];
let shownUrl = "";

// --- what runs -------------------------------------------------------------------------------------

function showState(state: State): void {
  stop.hidden = state.kind !== "busy";
  document.body.dataset.state = state.kind;
  const texts = {
    loading: "Loading Python, about 13 MB; your browser keeps it for the next time …",
    idle: said,
    busy: "Computing …",
    failed: "The playground cannot start; load the page again to try once more. It needs a browser with WebAssembly and module workers.",
  };
  let text = texts[state.kind];
  if (state.kind === "loading" && state.stage === "convcalc") text = "Loading convcalc …";
  if (state.kind === "failed") text = `${text} (${state.error.slice(0, 300)})`;
  if (status.textContent !== text) status.textContent = text;
}

function say(text: string): void {
  said = text;
  if (document.body.dataset.state === "idle") status.textContent = text;
}

function edited(): void {
  copied.textContent = "";
  clearTimeout(timer);
  timer = window.setTimeout(run, PAUSE);
}

/** Computes the file: first its table, then what a check of all its variants finds. */
async function run(): Promise<void> {
  clearTimeout(timer);
  const own = ++turn;
  const text = editor.text;
  void remember();
  try {
    const levels = Number(depth.value);
    const values = [variant.value, input.value, convention.value, levels];
    const answer = await machine.ask("analysis", text, ...values);
    if (own !== turn) return;
    showAnalysis(answer);
    const field = showField();
    const found = await machine.ask("findings", text);
    if (own !== turn) return;
    showProblems(merged(answer.problems, found.problems), answer.error ?? found.error);
    if (found.budgets?.all) say(`${said} · ${found.budgets.passed} of ${found.budgets.all} budgets and pins hold`);
    await field;
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  if (!(error instanceof Unanswered)) throw error;
  if (error.reason === "newer") return;
  const texts = {
    stopped: "Stopped. Change the file to compute it again.",
    late: `Stopped after ${MOST_SECONDS} seconds: the network is too large for the playground. convcalc on your own computer is several times faster.`,
    broken: `convcalc failed, which is a bug in it: ${error.message.trim().split("\n").at(-1)}`,
  };
  say(texts[error.reason]);
}

// --- what is shown ---------------------------------------------------------------------------------

function showAnalysis(answer: Analysis): void {
  editor.offer(answer.names);
  showVariants(answer);
  table = answer.table;
  showTable();
  showProblems(answer.problems, answer.error);
}

function showVariants(answer: Analysis): void {
  const chosen = variant.value;
  const names = ["", ...answer.variants];
  const known = Array.from(variant.options, (option) => option.value);
  if (names.join("\n") !== known.join("\n"))
    variant.replaceChildren(
      ...names.map((name) => h("option", { value: name }, name || answer.base)),
    );
  variant.value = names.includes(chosen) ? chosen : "";
  variant.disabled = names.length === 1;
}

function showTable(): void {
  if (!table) {
    results.replaceChildren();
    return;
  }
  const notes = table.footer.map((line) => h("p", {}, line));
  if (table.more) notes.unshift(h("p", {}, `${table.more} more rows are not shown`));
  const region = h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Layers" },
    tableOf(table, selected, choose),
  );
  results.replaceChildren(region, h("div", { class: "notes" }, ...notes));
}

function choose(row: Row): void {
  selected = selected === row.path ? "" : row.path;
  for (const button of results.querySelectorAll("tbody button")) {
    const index = (button.closest("tr") as HTMLTableRowElement).sectionRowIndex;
    button.setAttribute("aria-pressed", String(table?.rows[index]?.path === selected));
  }
  if (selected && row.place) editor.showLine(row.place[0]);
  showField().catch(fail);
}

async function showField(): Promise<void> {
  if (!table) {
    picture.replaceChildren();
    return;
  }
  if (selected && !table.rows.some((row) => row.path === selected)) selected = "";
  const asked = selected;
  const found = await machine.ask("field", asked);
  if (asked !== selected) return;
  if (found.error) {
    picture.replaceChildren(h("p", {}, found.error.message));
    return;
  }
  const row = table?.rows.find((each) => each.path === asked);
  const alt = `What one position of ${row?.cells[0] ?? "the output"} sees of the input`;
  URL.revokeObjectURL(shownUrl);
  shownUrl = URL.createObjectURL(new Blob([found.svg], { type: "image/svg+xml" }));
  const image = h("img", { src: shownUrl, alt });
  const scroll = { class: "scroll", tabindex: "0", role: "region", "aria-label": "Picture" };
  const lines = found.lines.map((line) => h("p", {}, line));
  picture.replaceChildren(h("div", scroll, image), h("div", { class: "notes" }, ...lines));
}

function merged(errors: Problem[], found: Problem[]): Problem[] {
  const key = (each: Problem) => `${each.where} ${each.name}`;
  const there = new Set(found.map(key));
  const all = [...errors.filter((each) => !there.has(key(each))), ...found];
  return all.sort((a, b) => a.line - b.line || a.column - b.column);
}

function showProblems(found: Problem[], error: Failure | null): void {
  editor.mark(found);
  const items: HTMLElement[] = found.map((problem) => {
    const place = problem.line
      ? h("button", { type: "button", click: () => editor.go(problem) }, problem.where)
      : h("span", {}, problem.where);
    return h("li", { class: problem.severity }, place, described(problem));
  });
  if (error) {
    const help = error.help ? h("div", {}, h("strong", {}, "help: "), error.help) : "";
    items.unshift(h("li", { class: "error" }, h("div", {}, h("strong", {}, error.message), help)));
  }
  problems.replaceChildren(...items);
  const [errors, warnings] = ["error", "warning"].map((s) => found.filter((p) => p.severity === s).length);
  const counts = [counted((errors ?? 0) + Number(error !== null), "error"), counted(warnings ?? 0, "warning")];
  say(counts.filter(Boolean).join(", ") || "No problems");
}

function counted(count: number, word: string): string {
  return count ? `${count} ${word}${count === 1 ? "" : "s"}` : "";
}

// --- files and links -------------------------------------------------------------------------------

function saved(): Saved {
  const [v, i, c] = [variant.value, input.value.trim(), convention.value];
  return { text: editor.text, variant: v, input: i, convention: c };
}

/** Keeps the file in the address, so that it is still there when the page is loaded again. */
async function remember(): Promise<void> {
  const fragment = await toFragment(saved());
  if (fragment !== location.hash) history.replaceState(null, "", fragment);
}

function restore(found: Saved): void {
  editor.text = found.text;
  input.value = found.input;
  keepChoice(variant, found.variant);
  keepChoice(convention, found.convention);
  selected = "";
}

/** Chooses a value that may not be offered yet. */
function keepChoice(list: HTMLSelectElement, value: string): void {
  if (!Array.from(list.options).some((option) => option.value === value))
    list.append(h("option", { value }, value));
  list.value = value;
}

async function open(): Promise<void> {
  let found: Saved | null = null;
  try {
    found = await fromFragment(location.hash);
  } catch (error) {
    copied.textContent = `The link is damaged (${(error as Error).message}); here is an example instead.`;
  }
  const message = copied.textContent ?? "";
  restore(found ?? { text: START, variant: "", input: "", convention: "" });
  copied.textContent = message; // which the new text has cleared
  await run();
}

async function copyLink(): Promise<void> {
  await remember();
  try {
    await navigator.clipboard.writeText(location.href);
    copied.textContent = `Copied. The link holds the whole file: ${location.href.length.toLocaleString("en")} characters.`;
  } catch {
    copied.textContent = "The browser does not allow copying; the address of this page is the link.";
  }
}

async function openExample(): Promise<void> {
  const [kind, name] = [examples.value.slice(0, 1), examples.value.slice(2)];
  examples.value = "";
  let text = START;
  try {
    if (kind === "p") text = pattern[Number(name)]?.[1] ?? START;
    if (kind === "n") text = (await machine.ask("network_text", name)).text;
  } catch (error) {
    fail(error);
    return;
  }
  restore({ text, variant: "", input: "", convention: convention.value });
  void run();
}

function offer(found: Choices): void {
  pattern = found.patterns;
  const group = (label: string, options: [string, string][]) =>
    h("optgroup", { label }, ...options.map(([value, name]) => h("option", { value }, name)));
  examples.append(
    group("Patterns", found.patterns.map(([title], index) => [`p:${index}`, title])),
    group("Built-in networks", found.networks.map((name) => [`n:${name}`, name])),
  );
  const chosen = convention.value;
  const others = Array.from(convention.options).slice(1);
  for (const option of others) option.remove();
  convention.append(...found.conventions.map((name) => h("option", { value: name }, name)));
  keepChoice(convention, chosen);
  byId("version", HTMLElement).textContent = `convcalc ${found.version}`;
}

// --- the page --------------------------------------------------------------------------------------

examples.addEventListener("change", () => void openExample());
stop.addEventListener("click", () => machine.stop());
byId("copy", HTMLButtonElement).addEventListener("click", () => void copyLink());
for (const list of [variant, convention, depth]) list.addEventListener("change", () => void run());
input.addEventListener("input", edited);
addEventListener("hashchange", () => void open());

void open();
machine.ask("choices").then(offer, fail);
