// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL_BUT_TAB = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** Whether a text has a control character (C0 or DEL), line breaks and tabs among them. */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

/** Whether a header value has what RFC 5322 section 2.2 keeps out of it: any control character but a tab. */
export function hasHeaderControl(text: string): boolean {
  return CONTROL_BUT_TAB.test(text);
}

/** A header's name: printable ASCII but the colon and the space (RFC 5322 section 3.6.8). */
export function isHeaderName(name: string): boolean {
  return /^[!-9;-~]+$/.test(name);
}

/** A string without half surrogate pairs, which no encoding can hold: U+FFFD is in their place. */
export function wellFormed(text: string): string {
  return (text as string & { toWellFormed(): string }).toWellFormed();
}

/** The known name nearest to a misspelt one, when it is near enough to be meant. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** What a table has under a key from outside. Plain indexing would also find `constructor` and its kin. */
export function ownProperty<T>(table: Readonly<Record<string, T>>, key: unknown): T | undefined {
  return (typeof key === "string" || typeof key === "number") && Object.hasOwn(table, key)
    ? table[key]
    : undefined;
}
