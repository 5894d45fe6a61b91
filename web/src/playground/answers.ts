// What adapter.py answers.

export interface Placed {
  line: number; // from 1; 0 in another file
  column: number; // from 1, in code points
  end: number; // exclusive; 0 if it is not known
  where: string;
}

export interface Problem extends Placed {
  severity: "error" | "warning" | "note";
  code: string;
  name: string;
  message: string;
  help: string;
  within: string;
  measured: string;
  notes: string[];
  related: (Placed & { note: string })[];
}

export interface Failure {
  message: string;
  help: string;
}

export interface Row {
  path: string;
  cells: string[];
  exact: string[];
  place: [number, number] | null;
}

export interface TableData {
  title: string;
  columns: { key: string; title: string; right: boolean }[];
  rows: Row[];
  more: number;
  outputs: string[][];
  totals: { cells: string[]; exact: string[] };
  footer: string[];
}

/** The names of a file that completion offers: blocks with their params, and params. */
export interface Names {
  blocks: Record<string, string[]>;
  params: string[];
}

export interface Analysis {
  error: Failure | null;
  problems: Problem[];
  table: TableData | null;
  variants: string[];
  base: string;
  names: Names | null;
}

export interface Findings {
  error: Failure | null;
  problems: Problem[];
  budgets: { passed: number; all: number } | null;
}

export interface Field {
  error: Failure | null;
  svg: string;
  lines: string[];
}

export interface Choices {
  version: string;
  conventions: string[];
  patterns: [string, string][];
  networks: string[];
}

/** The functions of adapter.py, by name. */
export interface Answers {
  analysis: Analysis;
  findings: Findings;
  field: Field;
  choices: Choices;
  network_text: { text: string };
}
