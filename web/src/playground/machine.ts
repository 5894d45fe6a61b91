// Asks the worker one thing at a time, and ends it when that takes too long.
import type { Answers } from "./answers.ts";

export const MOST_SECONDS = 20; // for one answer; loading may take as long as the network needs

/** A request that was left unanswered on purpose; ``reason`` says why. */
export class Unanswered extends Error {
  constructor(
    readonly reason: "newer" | "stopped" | "late" | "broken",
    message = reason as string,
  ) {
    super(message);
  }
}

export type State =
  | { kind: "loading"; stage: "python" | "convcalc" }
  | { kind: "idle" }
  | { kind: "busy" }
  | { kind: "failed"; error: string };

interface Job {
  id: number;
  name: keyof Answers;
  values: unknown[];
  resolve: (answer: never) => void;
  reject: (error: Unanswered) => void;
}

export class Machine {
  private worker!: Worker;
  private ready = false;
  private waiting: Job[] = [];
  private current: Job | null = null;
  private timer = 0;
  private last = 0;

  constructor(
    private readonly script: URL,
    private readonly changed: (state: State) => void,
  ) {
    this.start();
  }

  /** The answer of a function of adapter.py; a newer request of the same name replaces one that
   * waits. */
  ask<K extends keyof Answers>(name: K, ...values: unknown[]): Promise<Answers[K]> {
    const [older, others] = [this.waiting.filter((j) => j.name === name), this.waiting];
    this.waiting = others.filter((job) => job.name !== name);
    for (const job of older) job.reject(new Unanswered("newer"));
    return new Promise((resolve, reject) => {
      this.last += 1;
      this.waiting.push({ id: this.last, name, values, resolve, reject });
      this.next();
    });
  }

  /** Ends what is being computed; Python starts again. */
  stop(reason: "stopped" | "late" | "broken" = "stopped", message?: string): void {
    const lost = [this.current, ...this.waiting].filter((job) => job !== null);
    this.worker.terminate();
    this.waiting = [];
    this.current = null;
    this.start();
    for (const job of lost) job.reject(new Unanswered(reason, message));
  }

  private start(): void {
    clearTimeout(this.timer);
    this.ready = false;
    this.changed({ kind: "loading", stage: "python" });
    this.worker = new Worker(this.script, { type: "module" });
    this.worker.addEventListener("message", (event) => this.hear(event.data));
    this.worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.changed({ kind: "failed", error: event.message || "its script cannot be loaded" });
    });
  }

  private hear(said: { stage?: string; error?: string; id?: number; answer?: unknown }): void {
    if (said.stage === "ready") {
      this.ready = true;
      this.changed({ kind: "idle" });
      this.next();
    } else if (said.stage === "convcalc") this.changed({ kind: "loading", stage: "convcalc" });
    else if (said.stage === "failed") this.changed({ kind: "failed", error: said.error ?? "" });
    else if (said.id === this.current?.id) this.finish(said);
  }

  private finish(said: { error?: string; answer?: unknown }): void {
    const job = this.current as Job;
    clearTimeout(this.timer);
    if (said.error !== undefined) {
      this.stop("broken", said.error); // an error that Python did not handle may have broken it
      return;
    }
    this.current = null;
    this.changed({ kind: "idle" });
    job.resolve(said.answer as never);
    this.next();
  }

  private next(): void {
    if (!this.ready || this.current) return;
    const job = this.waiting.shift();
    if (!job) return;
    this.current = job;
    this.changed({ kind: "busy" });
    this.worker.postMessage({ id: job.id, name: job.name, values: job.values });
    this.timer = window.setTimeout(() => this.stop("late"), MOST_SECONDS * 1000);
  }
}
