// Uses the playground in Chromium as a visitor does, and prints what was seen as JSON.
// node drive.mjs ADDRESS NODE_MODULES CHROMIUM SHOTS < files as JSON
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { deflateRawSync } from "node:zlib";

const [, , address, modules, executablePath, shots] = process.argv;
const { chromium } = createRequire(`${modules}/`)(`${modules}/playwright-core`);
const axe = readFileSync(`${modules}/axe-core/axe.min.js`, "utf8");
const files = JSON.parse(readFileSync(0, "utf8"));
const seen = { said: [], hosts: [], refused: [] };

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "light" });
await context.grantPermissions(["clipboard-read", "clipboard-write"]);

async function opened(url) {
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on("console", (message) => seen.said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.said.push(`error: ${error.message}`));
  page.on("requestfailed", (request) => seen.refused.push(request.url()));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith("http") && !seen.hosts.includes(origin)) seen.hosts.push(origin);
  });
  await page.goto(url);
  return page;
}

// A status that says what was found; texts of the page as a visitor reads them.
const DONE = /problem|error|warning|Stopped/;
async function done(page) {
  await page.waitForTimeout(400); // what was typed is computed after a pause
  await page.waitForFunction(
    (pattern) => document.body.dataset.state === "idle" && new RegExp(pattern).test(document.querySelector("#status").textContent),
    DONE.source,
  );
}
const texts = (page, selector) => page.locator(selector).allTextContents();
const editorText = (page) => page.evaluate(() => document.querySelector("#editor").shadowRoot.querySelector(".cm-content").cmTile.view.state.doc.toString());
async function write(page, text) {
  await page.locator(".cm-content").focus();
  await page.keyboard.press("Control+a");
  if (text) await page.keyboard.insertText(text);
  else await page.keyboard.press("Delete");
}
// Every row with the exact values, which stand in the title where the text is rounded.
const table = (page) =>
  page.evaluate(() => ({
    caption: document.querySelector("caption")?.textContent,
    head: [...document.querySelectorAll("thead th")].map((cell) => cell.textContent),
    rows: [...document.querySelectorAll("tbody tr, tr.total")].map((row) =>
      [...row.cells].map((cell) => cell.title || cell.textContent),
    ),
  }));
async function offered(page) {
  await page.locator(".cm-tooltip-autocomplete").waitFor();
  return texts(page, ".cm-tooltip-autocomplete .cm-completionLabel");
}

// --- it starts, and its table has the numbers of the command ------------------------------------

const page = await opened(`${address}index.html`);
seen.loading = await page.locator("#status").textContent();
await done(page);
seen.start = { status: await page.locator("#status").textContent(), text: await editorText(page), table: await table(page) };
seen.seconds = await page.evaluate(() => performance.now() / 1000);
seen.picture = await page.locator("#field img").getAttribute("alt");

// --- with the keyboard alone ----------------------------------------------------------------------

const focused = () => page.evaluate(() => {
  const at = document.activeElement;
  return at.shadowRoot?.activeElement?.getAttribute("aria-label") ?? (at.id || at.getAttribute("aria-label") || at.textContent);
});
await page.locator("h1").click();
seen.stops = [];
for (let press = 0; press < 40; press += 1) {
  await page.keyboard.press("Tab");
  seen.stops.push(await focused());
  if (seen.stops.at(-1) === "body[1]") break;
}
await page.keyboard.press("Enter");
await page.locator("#field img[alt*='body[1]']").waitFor();
seen.pressed = await texts(page, "[aria-pressed=true]");

// --- errors stand where they are -------------------------------------------------------------------

await write(page, files.broken);
await done(page);
seen.broken = {
  listed: await texts(page, "#problems li"),
  places: await texts(page, "#problems button"),
  marked: await texts(page, ".cm-lintRange-error"),
  gutter: await page.locator(".cm-lint-marker-error").count(),
  rows: (await table(page)).rows.length,
};
await page.locator("#problems button").first().press("Enter");
await page.waitForTimeout(100);
seen.broken.focus = await focused();
await page.locator(".cm-lintRange-error").first().hover();
seen.broken.hover = await page.locator(".cm-tooltip-lint").textContent();
await page.mouse.move(0, 0);
if (shots) await page.screenshot({ path: `${shots}/broken-1440-light.png` });

await page.locator(".cm-line", { hasText: "k: 3}" }).locator("text=conv").first().hover();
await page.locator(".cm-meaning").waitFor();
seen.meaning = await page.locator(".cm-meaning").textContent();
await page.mouse.move(0, 0);

// --- completion ------------------------------------------------------------------------------------

await write(page, files.unfinished);
await done(page);
await page.keyboard.press("Control+End");
await page.keyboard.type("con");
seen.items = await offered(page);
if (shots) await page.screenshot({ path: `${shots}/completion-1440-light.png` });
await page.waitForTimeout(150); // what opens by itself takes no key in its first moment
await page.keyboard.press("Enter");
seen.fields = await offered(page);
await page.keyboard.type("padding_m");
await page.waitForTimeout(300);
await page.keyboard.press("Enter");
await page.keyboard.press("Control+Space");
seen.values = await offered(page);
await page.keyboard.press("Escape");
seen.completed = (await editorText(page)).split("\n").at(-1);
await page.keyboard.press("Control+End");
await page.keyboard.type("\n- Conv"); // a new line begins at the dash
seen.blocks = await offered(page);

// --- a built-in network, its variant, another size and what another tool counts ---------------------

await page.selectOption("#examples", { label: "unet" });
await page.waitForFunction(() => /unet/.test(document.querySelector("caption")?.textContent));
await done(page);
seen.variants = await texts(page, "#variant option");
await page.selectOption("#variant", "unet_original");
await page.waitForFunction(() => /572/.test(document.querySelector("caption")?.textContent));
await done(page);
seen.variant = await table(page);
await page.selectOption("#depth", "0");
await page.waitForFunction(() => document.querySelectorAll("tbody tr").length > 50);
await done(page);
seen.layers = await table(page);
await page.selectOption("#convention", "fvcore");
await page.waitForFunction(() => /fvcore/.test(document.querySelector("thead").textContent));
seen.convention = (await table(page)).head;
await page.selectOption("#depth", "1");
await page.fill("#input", "1x700x700");
await page.waitForFunction(() => /700/.test(document.querySelector("caption")?.textContent));
await done(page);
seen.sized = (await table(page)).rows.at(-1);
await page.fill("#input", "1x7y");
await done(page);
seen.wrongInput = await texts(page, "#problems li");
await page.fill("#input", "1x700x700");
await done(page);

// --- a link carries all of it -----------------------------------------------------------------------

await page.click("#copy");
await page.locator("#copied:not(:empty)").waitFor();
seen.link = await page.evaluate(() => navigator.clipboard.readText());
seen.linked = await editorText(page);
const other = await opened(seen.link);
await other.waitForFunction(() => /700/.test(document.querySelector("caption")?.textContent));
await done(other);
seen.reopened = {
  text: await editorText(other),
  chosen: await other.evaluate(() => ["variant", "input", "convention"].map((id) => document.getElementById(id).value)),
  total: (await table(other)).rows.at(-1),
};
// Links that are no link, and one of a few bytes that unfolds to a million.
seen.damaged = [];
const bomb = deflateRawSync("a".repeat(1_000_000)).toString("base64url");
for (const file of ["nonsense", bomb]) {
  await other.evaluate((text) => { document.querySelector("#copied").textContent = ""; location.hash = text; }, `#f=${file}`);
  await other.locator("#copied:not(:empty)").waitFor();
  seen.damaged.push(await other.locator("#copied").textContent());
}
await other.close();

// --- names of strangers stay text -------------------------------------------------------------------

await page.fill("#input", "");
await write(page, files.hostile);
await done(page);
await page.locator("tbody button").first().click();
await page.waitForTimeout(300);
await done(page);
seen.hostile = {
  ran: await page.evaluate(() => globalThis.hostile ?? null),
  elements: await page.evaluate(() => document.querySelectorAll("#results img, #problems img, #results script, #field svg, iframe").length),
  caption: await page.locator("caption").textContent(),
  names: await texts(page, "tbody button"),
  problems: await texts(page, "#problems li"),
};

// --- what takes too long is ended -------------------------------------------------------------------

await page.clock.install();
const typed = async (text) => { await write(page, text); await page.clock.runFor(400); };
const busy = () => page.locator("#stop:visible").waitFor();
await typed(files.heavy);
await busy();
await page.click("#stop");
await page.waitForFunction(() => document.body.dataset.state === "idle");
seen.stopped = await page.locator("#status").textContent();
await typed(`${files.heavy}# again\n`);
await busy();
await page.clock.fastForward(60_000);
await page.waitForFunction(() => document.body.dataset.state === "idle");
seen.late = await page.locator("#status").textContent();
await typed(files.sound);
await page.waitForFunction(() => /sound/.test(document.querySelector("caption")?.textContent));
await page.clock.resume();
await done(page);
seen.after = await page.locator("#status").textContent();

// --- it is accessible and fits -----------------------------------------------------------------------

seen.axe = [];
seen.wide = [];
await write(page, files.broken);
await done(page);
for (const colorScheme of ["light", "dark"])
  for (const width of [390, 1440]) {
    const name = `${width}-${colorScheme}`;
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await page.waitForTimeout(200);
    if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: width < 800 });
    await page.evaluate(axe);
    const found = await page.evaluate(async () => await globalThis.axe.run());
    for (const each of found.violations)
      if (["serious", "critical"].includes(each.impact))
        for (const node of each.nodes.slice(0, 3)) seen.axe.push(`${name}: ${each.id}: ${node.html.slice(0, 160)} ${node.failureSummary.slice(0, 240)}`);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wider > 0) seen.wide.push(`${name}: ${wider}`);
  }

console.log(JSON.stringify(seen));
await browser.close();
