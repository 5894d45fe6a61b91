// The table of layers: rounded texts to read, exact values on the pointer.
import { h } from "../shared/dom.ts";
import type { Row, TableData } from "./answers.ts";

/** The table; ``chosen`` is called with a row when its name is activated. */
export function tableOf(data: TableData, selected: string, chosen: (row: Row) => void): HTMLElement {
  const rights = data.columns.map((column) => column.right);
  const rows = data.rows.map((row) => layerRow(row, rights, row.path === selected, chosen));
  const feet = [
    ...data.outputs.map((cells) => h("tr", { class: "output" }, ...cellsOf(cells, cells, rights))),
    h("tr", { class: "total" }, ...cellsOf(data.totals.cells, data.totals.exact, rights)),
  ];
  return h(
    "table",
    {},
    h("caption", {}, data.title),
    h("thead", {}, h("tr", {}, ...data.columns.map(heading))),
    h("tbody", {}, ...rows),
    h("tfoot", {}, ...feet),
  );
}

function heading(column: TableData["columns"][number]): HTMLElement {
  return h("th", { scope: "col", ...(column.right ? { class: "number" } : {}) }, column.title);
}

function layerRow(
  row: Row,
  rights: boolean[],
  isSelected: boolean,
  chosen: (row: Row) => void,
): HTMLElement {
  const pressed = String(isSelected);
  const name = row.cells[0] || "(no name)";
  const click = () => chosen(row);
  const button = h("button", { type: "button", "aria-pressed": pressed, click }, name);
  const [, ...others] = cellsOf(row.cells, row.exact, rights);
  return h("tr", {}, h("th", { scope: "row" }, button), ...others);
}

function cellsOf(cells: string[], exact: string[], rights: boolean[]): HTMLElement[] {
  return cells.map((text, index) => {
    if (index === 0) return h("th", { scope: "row" }, text);
    const value = exact[index] ?? "";
    const found = h("td", rights[index] ? { class: "number" } : {}, text);
    if (value && value !== text) found.title = value;
    return found;
  });
}
