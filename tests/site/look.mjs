// Looks at pages of the site in Chromium and prints a line for each thing that is wrong:
// a serious finding of axe, a page wider than the window, a request to another host, a search that
// finds nothing.
// node look.mjs ADDRESS NODE_MODULES CHROMIUM SHOTS PAGE...
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [, , address, modules, executablePath, shots, ...pages] = process.argv;
const { chromium } = createRequire(`${modules}/`)(`${modules}/playwright-core`);
const axe = readFileSync(`${modules}/axe-core/axe.min.js`, "utf8");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

async function look(context, page, name) {
  const tab = await context.newPage();
  const hosts = new Set();
  tab.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http")) hosts.add(url.origin);
  });
  await tab.goto(address + page);
  await tab.waitForTimeout(300);
  if (shots) await tab.screenshot({ path: `${shots}/${page.replaceAll("/", "") || "index"}-${name}.png` });
  await tab.evaluate(axe);
  const found = await tab.evaluate(async () => await globalThis.axe.run());
  for (const each of found.violations)
    if (["serious", "critical"].includes(each.impact))
      for (const node of each.nodes.slice(0, 3))
        console.log(`/${page} ${name}: ${each.id}: ${node.html.replace(/\s+/g, " ").slice(0, 160)} ${node.failureSummary.replace(/\s+/g, " ").slice(0, 240)}`);
  const wider = await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wider > 0) console.log(`/${page} ${name}: wider than the window by ${wider}`);
  hosts.delete(new URL(address).origin);
  for (const host of hosts) console.log(`/${page} ${name}: asks ${host}`);
  await tab.close();
}

async function search(context) {
  const tab = await context.newPage();
  await tab.goto(address);
  await tab.keyboard.press("Control+k");
  await tab.waitForTimeout(500);
  await tab.keyboard.type("residual");
  const found = tab.getByText(/^\d+ results$/);
  await found.waitFor({ timeout: 20000 }).catch(() => console.log("the search finds nothing"));
  await tab.close();
}

for (const colorScheme of ["light", "dark"])
  for (const width of [390, 1440]) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    if (width === 1440 && colorScheme === "light") await search(context);
    for (const page of pages) await look(context, page, `${width}-${colorScheme}`);
    await context.close();
  }
await browser.close();
