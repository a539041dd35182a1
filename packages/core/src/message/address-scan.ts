/** A mailbox as it stands in a header: its domain not yet looked at. */
export interface Mailbox {
  readonly name: string;
  readonly local: string;
  readonly domain: string;
}

/**
 * A name with what RFC 5322 wants in quotes, as people write it: `a@example.com <a@example.com>`, `[IT] Support <…>`. What
 * makes a list or a group is not among it.
 */
const LOOSE_NAME = /[^<>",:;\\@[\]]*[@[\]][^<>",:;\\]*(?=<)/uy;

/** What shows nothing, or a space. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{White_Space}\p{Cc}]/u;
const INVISIBLE_ENDS = new RegExp(`^${INVISIBLE.source}+|${INVISIBLE.source}+$`, "gu");
/** Persian and Indic domains need these two; where they may stand, the URL parser knows. */
const JOINERS = /[\u200c\u200d]/g;

/** A run of atext (RFC 5322 section 3.2.3, with all of UTF-8 as RFC 6532 adds) and dots, from a given place. */
const ATOMS = /[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.\u0080-\u{10ffff}]*/uy;

/**
 * Reads an address list (RFC 5322 section 3.4): quoted names, quoted local parts, nested comments, domain literals.
 * A comment beside the name is part of it, or is the name; others are dropped. Groups are refused. A name may have bare dots, as
 * people write them (section 4.1).
 */
export function scanMailboxes(text: string, fail: (why: string) => Error): Mailbox[] {
  return new Scanner(text, fail).list();
}

class Scanner {
  private at = 0;
  /** Words and comments of the mailbox at hand. */
  private name: string[] = [];
  /** Its comments alone, without their parentheses. */
  private comments: string[] = [];

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
        [this.name, this.comments] = [[], []];
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
    const { name, comments } = this;
    let words = 0;
    let raw = "";
    LOOSE_NAME.lastIndex = this.at;
    const [loose] = LOOSE_NAME.exec(this.text) ?? [];
    if (loose) {
      this.at += loose.length;
      name.push(loose.trim());
      words = 1;
    }
    for (;;) {
      const start = this.at;
      const word = this.peek() === '"' ? this.quoted() : this.atoms();
      if (this.at === start) break;
      name.push(word);
      words++;
      raw += this.text.slice(start, this.at);
      if (this.space()) raw += " ";
    }
    if (this.take("<")) {
      const { length } = name;
      this.space();
      const local = this.local();
      const domain = this.domain();
      // One that is missing at the very end leaves no doubt of what is meant.
      if (!this.take(">") && this.at < this.text.length) throw this.fail('has no closing ">"');
      // Comments within the brackets belong to no name.
      name.length = length;
      if (words === 0) comments.length = length;
      this.space();
      return this.made(words > 0 ? name : comments, local, domain);
    }
    if (this.peek() === "@") {
      const local = raw.trimEnd();
      if (words !== 1 || !isLocal(local)) throw this.fail(BAD_LOCAL);
      const domain = this.domain();
      return this.made(comments, local, domain);
    }
    if (this.peek() === ":") throw this.fail("is a group, which mail APIs do not take");
    throw this.fail('has no "@" (does a display name with a comma lack its quotes?)');
  }

  private made(name: readonly string[], local: string, domain: string): Mailbox {
    return {
      name: name.join(" ").replace(INVISIBLE_ENDS, ""),
      local: this.visible(local, local.replaceAll(" ", "")),
      // The final dot is of DNS, not of mail (RFC 5321 section 4.1.2).
      domain: this.visible(domain, domain.replace(JOINERS, "")).replace(/\.$/, ""),
    };
  }

  /** @throws for an invisible character in the middle; those at the ends came along when it was copied */
  private visible(text: string, checked: string): string {
    const [found] = INVISIBLE.exec(checked.replace(INVISIBLE_ENDS, "")) ?? [];
    if (found === undefined) return text.replace(INVISIBLE_ENDS, "");
    const code = found.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0");
    throw this.fail(`has an invisible character (U+${code})`);
  }

  private local(): string {
    const start = this.at;
    if (this.peek() === '"') this.quoted();
    else this.atoms();
    const local = this.text.slice(start, this.at);
    this.space();
    if (!isLocal(local)) throw this.fail(BAD_LOCAL);
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
      if (this.peek() === "(") this.comment();
      else if (INVISIBLE.test(this.peek())) this.at += this.peek().length;
      else return this.at > start;
    }
  }

  private comment(): void {
    const start = this.at + 1;
    let depth = 0;
    while (this.at < this.text.length) {
      const next = this.peek();
      this.at += next.length;
      if (next === "\\") this.at += this.peek().length;
      else if (next === "(") depth++;
      else if (next === ")" && --depth === 0) {
        const comment = this.text
          .slice(start, this.at - 1)
          .replace(/\\(.)/gu, "$1")
          .trim();
        if (comment === "") return;
        this.comments.push(comment);
        this.name.push(`(${comment})`);
        return;
      }
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

const BAD_LOCAL = 'has a malformed local part (put what is before the "@" in quotes)';

/** A dot-atom or a quoted string. */
function isLocal(local: string): boolean {
  if (local.startsWith('"')) return local.length > 2 && local.endsWith('"');
  return local.split(".").every((atom) => atom !== "");
}
