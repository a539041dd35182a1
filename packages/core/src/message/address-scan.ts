/** A mailbox as it stands in a header: its domain not yet looked at. */
export interface Mailbox {
  readonly name: string;
  readonly local: string;
  readonly domain: string;
}

/** A run of atext (RFC 5322 section 3.2.3, with all of UTF-8 as RFC 6532 adds) and dots, from a given place. */
const ATOMS = /[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.\u0080-\u{10ffff}]*/uy;

/**
 * Reads an address list (RFC 5322 section 3.4): quoted names, quoted local parts, nested comments, domain literals.
 * Comments are dropped; groups are refused. A name may have bare dots, as people write them (section 4.1).
 */
export function scanMailboxes(text: string, fail: (why: string) => Error): Mailbox[] {
  return new Scanner(text, fail).list();
}

class Scanner {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly fail: (why: string) => Error,
  ) {}

  list(): Mailbox[] {
    const found: Mailbox[] = [];
    this.space();
    while (this.at < this.text.length) {
      if (!this.take(",")) {
        found.push(this.mailbox());
        if (this.at < this.text.length && !this.take(",")) {
          throw this.fail(
            this.peek() === ":" || this.peek() === ";" ? "is a group" : `has an unexpected "${this.peek()}"`,
          );
        }
      }
      this.space();
    }
    return found;
  }

  private mailbox(): Mailbox {
    // Words come before either "<" (they are the name) or "@" (they are the local part).
    const words: string[] = [];
    let raw = "";
    for (;;) {
      const start = this.at;
      const word = this.peek() === '"' ? this.quoted() : this.atoms();
      if (this.at === start) break;
      words.push(word);
      raw += this.text.slice(start, this.at);
      if (this.space()) raw += " ";
    }
    if (this.take("<")) {
      this.space();
      const local = this.local();
      const domain = this.domain();
      // One that is missing at the very end leaves no doubt of what is meant.
      if (!this.take(">") && this.at < this.text.length) throw this.fail('has no closing ">"');
      this.space();
      return { name: words.join(" "), local, domain };
    }
    if (this.peek() === "@") {
      const local = raw.trimEnd();
      if (words.length !== 1 || !isLocal(local)) throw this.fail("has a local part that is not valid");
      return { name: "", local, domain: this.domain() };
    }
    if (this.peek() === ":") throw this.fail("is a group, which mail APIs do not take");
    throw this.fail('has no "@" (does a display name with a comma lack its quotes?)');
  }

  private local(): string {
    const start = this.at;
    if (this.peek() === '"') this.quoted();
    else this.atoms();
    const local = this.text.slice(start, this.at);
    this.space();
    if (!isLocal(local)) throw this.fail("has a local part that is not valid");
    return local;
  }

  private domain(): string {
    if (!this.take("@")) throw this.fail('has no "@"');
    this.space();
    const start = this.at;
    if (this.take("[")) {
      while (this.at < this.text.length && !"[]\\".includes(this.peek())) this.at++;
      if (!this.take("]")) throw this.fail("has a domain literal that is not closed");
    } else {
      this.atoms();
    }
    const domain = this.text.slice(start, this.at);
    if (domain === "") throw this.fail("has no domain");
    this.space();
    return domain;
  }

  private atoms(): string {
    ATOMS.lastIndex = this.at;
    const run = ATOMS.exec(this.text)?.[0] ?? "";
    this.at += run.length;
    return run;
  }

  private quoted(): string {
    let content = "";
    this.at++;
    while (this.at < this.text.length) {
      const next = this.peek();
      this.at += next.length;
      if (next === '"') return content;
      if (next === "\\") {
        content += this.peek();
        this.at += this.peek().length;
      } else {
        content += next;
      }
    }
    throw this.fail("has a quote that is not closed");
  }

  /** Skips white space and comments; says whether there were any. */
  private space(): boolean {
    const start = this.at;
    for (;;) {
      if (this.peek() === " " || this.peek() === "\t") this.at++;
      else if (this.peek() === "(") this.comment();
      else return this.at > start;
    }
  }

  private comment(): void {
    let depth = 0;
    while (this.at < this.text.length) {
      const next = this.peek();
      this.at += next.length;
      if (next === "\\") this.at += this.peek().length;
      else if (next === "(") depth++;
      else if (next === ")" && --depth === 0) return;
    }
    throw this.fail("has a comment that is not closed");
  }

  private take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at++;
    return true;
  }

  /** The next whole character: a surrogate pair counts as one. */
  private peek(): string {
    const code = this.text.codePointAt(this.at);
    return code === undefined ? "" : String.fromCodePoint(code);
  }
}

/** A dot-atom or a quoted string. */
function isLocal(local: string): boolean {
  if (local.startsWith('"')) return local.length > 2 && local.endsWith('"');
  return local !== "" && local.split(".").every((atom) => atom !== "");
}
