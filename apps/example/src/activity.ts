/** Something that happened, as a line of a table. */
export interface Entry {
  /** Counts up from 1. */
  readonly id: number;
  readonly kind: "mail" | "event";
  readonly at: Date;
  readonly cells: readonly string[];
}

/** How many entries are remembered. */
const MAX_ENTRIES = 500;

/** What happened lately, oldest first; and a way to wait for what happens next. */
export class Activity {
  readonly #entries: Entry[] = [];
  readonly #waiting = new Set<() => void>();
  #last = 0;

  /** The id of the newest entry. */
  get last(): number {
    return this.#last;
  }

  add(kind: Entry["kind"], ...rows: readonly (readonly string[])[]): void {
    for (const cells of rows) this.#entries.push({ id: ++this.#last, kind, at: new Date(), cells });
    this.#entries.splice(0, Math.max(0, this.#entries.length - MAX_ENTRIES));
    for (const wake of this.#waiting) wake();
  }

  /** Entries after the one of an id. */
  since(id: number): readonly Entry[] {
    return this.#entries.filter((entry) => entry.id > id);
  }

  /** Entries of a kind. */
  of(kind: Entry["kind"]): readonly Entry[] {
    return this.#entries.filter((entry) => entry.kind === kind);
  }

  /** Waits until there are entries after the one of an id, for `timeout` milliseconds at most, or until `signal` says. */
  async changed(id: number, timeout: number, signal: AbortSignal): Promise<void> {
    if (this.#last > id || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, timeout);
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake);
    });
  }
}
