import { endOfComment } from "../webhooks/parameters.js";
import { decodeHeader, oneLine } from "./words.js";

/** An address of a message that came in, as it stands there: it need not be a valid one. */
export interface InboundAddress {
  readonly name: string;
  readonly email: string;
}

/** What stands between two separators, in order. Comments and quoted strings are told apart from bare characters. */
interface Token {
  readonly kind: "text" | "quoted" | "comment" | "angle";
  readonly text: string;
}

/**
 * Addresses of a header value, groups taken apart. What is no address is left out: incoming mail holds anything.
 *
 * The structure is read first, and names are decoded afterwards: otherwise an encoded name could hold an address of its
 * own, and a sender could write any From beside the `dmarc: pass` of its own domain.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2047#section-6.2 and https://www.rfc-editor.org/rfc/rfc5322#section-3.4
 */
export function parseInboundAddresses(value: string): readonly InboundAddress[] {
  const addresses: InboundAddress[] = [];
  let tokens: Token[] = [];
  let text = "";
  const endText = (): void => {
    if (text !== "") tokens.push({ kind: "text", text });
    text = "";
  };
  // Within the brackets of an IPv6 address, a colon is no group's.
  let isLiteral = false;
  const endAddress = (): void => {
    isLiteral = false;
    endText();
    const address = addressOf(tokens);
    if (address) addresses.push(address);
    tokens = [];
  };
  // Whether what begins with one of these may still end: a search that failed once fails for all that comes after.
  const mayEnd = { quoted: true, comment: true };
  for (let at = 0; at < value.length; at++) {
    const character = value[at] as string;
    if (character === '"' && mayEnd.quoted) {
      const end = endOfQuoted(value, at);
      if (end < 0) mayEnd.quoted = false;
      else {
        endText();
        tokens.push({ kind: "quoted", text: value.slice(at, end + 1) });
        at = end;
      }
    } else if (character === "(" && mayEnd.comment) {
      const end = endOfComment(value, at);
      if (end === at) mayEnd.comment = false;
      else {
        endText();
        tokens.push({ kind: "comment", text: value.slice(at + 1, end) });
        at = end;
      }
    } else if (character === "<") {
      const end = endOfAngle(value, at);
      endText();
      tokens.push({ kind: "angle", text: value.slice(at + 1, end) });
      at = value[end] === ">" ? end : end - 1;
    } else if (character === "," || character === ";") {
      endAddress();
    } else if (character === ":" && !isLiteral) {
      // What stands before it is the name of a group.
      if (tokens.some(({ kind }) => kind === "angle")) endAddress();
      text = "";
      tokens = [];
    } else {
      if (character === "[" || character === "]") isLiteral = character === "[";
      const word = character === "=" ? wordAt(value, at) : undefined;
      text += word ?? character;
      if (word) at += word.length - 1;
    }
  }
  endAddress();
  return addresses;
}

/** An encoded word is one piece, also where it holds characters that it should not. */
function wordAt(value: string, at: number): string | undefined {
  if (value[at + 1] !== "?") return undefined;
  WORD.lastIndex = at;
  return WORD.exec(value)?.[0];
}

const WORD = /=\?[^?\s<>]{1,80}\?[bq]\?[^?\s<>]*\?=/iy;

/** Where quotes end, or -1. */
function endOfQuoted(value: string, from: number): number {
  for (let at = from + 1; at < value.length; at++) {
    if (value[at] === "\\") at++;
    else if (value[at] === '"') return at;
  }
  return -1;
}

/** The `>` that ends an address; without one, where the next address or the next `<` begins. */
function endOfAngle(value: string, from: number): number {
  for (let at = from + 1; at < value.length; at++) {
    const character = value[at];
    if (character === ">" || character === "<") return at;
    if (character === '"') {
      // A local part in quotes is short, and quotes may be missing their end.
      const end = value.slice(at + 1, at + 1000).search(/(?<!\\)"/);
      if (end >= 0) at += end + 1;
    }
  }
  const comma = value.indexOf(",", from);
  return comma < 0 ? value.length : comma;
}

function addressOf(tokens: readonly Token[]): InboundAddress | undefined {
  // Of several, the last one that holds something: a name may have a stray "<".
  const angle = tokens.findLastIndex(({ kind, text }) => kind === "angle" && text.trim() !== "");
  if (angle >= 0) {
    const email = bareEmail((tokens[angle] as Token).text);
    return email === "" ? undefined : withName(nameOf(tokens.slice(0, angle)) || commentsOf(tokens), email);
  }
  const found = findEmail(tokens);
  return found && withName(found.name || commentsOf(tokens), found.email);
}

function withName(name: string, email: string): InboundAddress {
  return { name: name === email ? "" : name, email };
}

/** The words before an address, as people read them. */
function nameOf(tokens: readonly Token[]): string {
  const words = tokens
    .filter(({ kind }) => kind !== "comment")
    .map(({ kind, text }) => (kind === "quoted" ? unescaped(text.slice(1, -1)) : ` ${text} `))
    .join("");
  return tidy(words);
}

function commentsOf(tokens: readonly Token[]): string {
  return tidy(
    tokens
      .filter(({ kind }) => kind === "comment")
      .map(({ text }) => unescaped(text))
      .join(" "),
  );
}

function tidy(text: string): string {
  return decodeHeader(
    text
      .split(/[ \t\r\n]+/)
      .join(" ")
      .trim(),
  ).trim();
}

function unescaped(text: string): string {
  return text.replace(/\\([\s\S])/g, "$1");
}

/** An address within angle brackets: without comments, white space and the route that old mail had before it. */
function bareEmail(text: string): string {
  let email = "";
  const mayEnd = { quoted: true, comment: true };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '"' && mayEnd.quoted) {
      const end = endOfQuoted(text, at);
      if (end < 0) mayEnd.quoted = false;
      else {
        email += text.slice(at, end + 1);
        at = end;
      }
    } else if (character === "(" && mayEnd.comment) {
      const end = endOfComment(text, at);
      if (end === at) mayEnd.comment = false;
      at = end;
    } else if (!/[\s\0]/.test(character)) email += character;
  }
  const route = email.startsWith("@") ? email.indexOf(":") : -1;
  return oneLine(email.slice(route + 1));
}

/** An address that stands without angle brackets, and the words around it. */
function findEmail(tokens: readonly Token[]): InboundAddress | undefined {
  // White space around dots and the at sign is allowed, and quotes belong to the local part.
  const whole = tokens
    .map(({ kind, text }) =>
      kind === "comment" ? "" : kind === "quoted" ? text.replace(/\s/g, "\u0000") : text,
    )
    .join("")
    .split(/[ \t\r\n]+/)
    .join(" ")
    .replace(/ ?@ ?/g, "@");
  const words = whole.split(" ");
  const at = words.findIndex((word) => /[^@]@[^@]/.test(word) && !word.startsWith("=?"));
  if (at < 0) return undefined;
  const word = (words[at] as string).replaceAll("\u0000", " ");
  let end = word.length;
  while (/[<>.]/.test(word.charAt(end - 1))) end--;
  const email = word.slice(0, end);
  const name = [...words.slice(0, at), ...words.slice(at + 1)].join(" ").replaceAll("\u0000", " ");
  return email === "" ? undefined : { name: tidy(name.replace(/^"(.*)"$/, "$1")), email: oneLine(email) };
}

/** An address as a header value, its name in quotes where it needs them. */
export function formatInboundAddress({ name, email }: InboundAddress): string {
  if (name === "") return email;
  return `${/[^\w\s.!#$%&'*+\-/=?^`{|}~\u0080-\uffff]|[.]/.test(name) ? `"${name.replace(/(["\\])/g, "\\$1")}"` : name} <${email}>`;
}
