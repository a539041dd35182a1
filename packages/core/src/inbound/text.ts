import PostalMime from "postal-mime";
import { encodeBase64String } from "../bytes/base64.js";
import { decodeText } from "./charset.js";
import { breathe, type MimeLeaf } from "./parts.js";
import { decodeTransfer } from "./transfer.js";

/** A text of a message, decoded. */
interface TextPart {
  readonly kind: "text" | "html";
  readonly content: string;
}

/** The text of a message in both forms. */
export interface MessageTexts {
  readonly text: string | null;
  readonly html: string | null;
}

/** Characters of text up to which HTML and plain text are made from each other. */
const MAX_CONVERTED = 1_000_000;

/**
 * The texts of a message, those of all its parts one after the other. Of a `multipart/alternative` each form comes once;
 * a part that comes in one form alone is converted, so that neither form lacks what the other has.
 *
 * @param isUnicode whether the message was given as a string: its characters were decoded before
 */
export async function readTexts(leaves: readonly MimeLeaf[], isUnicode: boolean): Promise<MessageTexts> {
  const groups = new Map<number, TextPart[]>();
  for (const [index, leaf] of leaves.entries()) {
    const key = leaf.alternative < 0 ? -1 - index : leaf.alternative;
    const group = groups.get(key) ?? [];
    group.push(await textOf(leaf, isUnicode));
    groups.set(key, group);
  }
  const all = [...groups.values()];
  const parts = all.flat();
  const kinds = new Set(parts.map(({ kind }) => kind));
  const size = parts.reduce((sum, { content }) => sum + content.length, 0);
  const isMixed = kinds.size > 1 && all.some((group) => new Set(group.map(({ kind }) => kind)).size === 1);
  const joined = isMixed && size <= MAX_CONVERTED ? await convert(all) : join(parts);
  const isRoot = leaves.length === 1 && leaves[0]?.isRoot === true;
  return { text: trimEnd(joined.text, isRoot), html: trimEnd(joined.html, isRoot) };
}

function join(parts: readonly TextPart[]): MessageTexts {
  const of = (kind: TextPart["kind"]): string | null => {
    const found = parts.filter((part) => part.kind === kind);
    if (found.length < 2) return found[0]?.content ?? null;
    return found.map(({ content }) => (content.endsWith("\n") ? content : `${content}\n`)).join("");
  };
  return { text: of("text"), html: of("html") };
}

/** Every part of a message ends its last line, which the delimiter behind it took. */
function trimEnd(text: string | null, isRoot: boolean): string | null {
  return !isRoot && text?.endsWith("\n") ? text.slice(0, -1) : text;
}

async function textOf({ type, encoding, body, isRoot }: MimeLeaf, isUnicode: boolean): Promise<TextPart> {
  const kind = type.value === "text/html" ? "html" : "text";
  const decoded = decodeTransfer(body, encoding);
  const charset = type.parameters.get("charset") ?? (kind === "html" ? charsetOfHtml(decoded) : "");
  const isRaw = decoded === body;
  if (encoding === "base64" || /^utf-?(?:16|32)/i.test(charset)) {
    return { kind, content: flow(decodeText(decoded, charset), type) };
  }
  const { bytes, isAscii } = await withLineFeeds(decoded);
  const text = decodeText(bytes, isUnicode && isRaw && !isAscii ? "utf-8" : charset);
  return { kind, content: flow(isRoot ? text : `${text}\n`, type) };
}

/** Bytes that are looked at before the event loop has its turn. */
const BYTES_AT_ONCE = 2_000_000;

/** Text with line feeds alone at the ends of its lines, and whether it is all ASCII. */
async function withLineFeeds(text: Uint8Array): Promise<{ bytes: Uint8Array; isAscii: boolean }> {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  let highest = 0;
  for (let start = 0; start < text.length; start += BYTES_AT_ONCE) {
    if (start > 0) await breathe();
    const end = Math.min(start + BYTES_AT_ONCE, text.length);
    for (let at = start; at < end; at++) {
      const byte = text[at] as number;
      highest |= byte;
      if (byte !== 13 || text[at + 1] !== 10) bytes[length++] = byte;
    }
  }
  return { bytes: bytes.subarray(0, length), isAscii: highest < 0x80 };
}

/** The charset that HTML names within itself. */
function charsetOfHtml(bytes: Uint8Array): string {
  const start = new TextDecoder("windows-1252").decode(bytes.subarray(0, 2048));
  return /<meta\s[^>]{0,200}?charset\s*=\s*["']?([\w.:-]+)/i.exec(start)?.[1] ?? "";
}

/** Joins lines that were folded by `format=flowed`. @see https://www.rfc-editor.org/rfc/rfc3676 */
function flow(text: string, { parameters }: MimeLeaf["type"]): string {
  if (!/^flowed$/i.test(parameters.get("format") ?? "")) return text;
  const dropsSpace = /^yes$/i.test(parameters.get("delsp") ?? "");
  let flowed = "";
  let quotes = -1;
  const lines = text.split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    const depth = /^>*/.exec(line)?.[0].length ?? 0;
    const isJoined = quotes === depth;
    // The space before a line that begins with ">" or "From" is there to protect it.
    const content = line.slice(depth).replace(/^ /, "");
    const prefix = depth > 0 ? `${">".repeat(depth)} ` : "";
    flowed += isJoined ? content : prefix + content;
    const isSoft = content.endsWith(" ") && content !== "-- " && index < lines.length - 1;
    if (isSoft && dropsSpace) flowed = flowed.slice(0, -1);
    if (!isSoft && index < lines.length - 1) flowed += "\n";
    quotes = isSoft ? depth : -1;
  }
  return flowed;
}

/** Has postal-mime put together texts of both forms: a message of nothing else, in UTF-8, its structure made anew. */
async function convert(groups: readonly (readonly TextPart[])[]): Promise<MessageTexts> {
  const leaf = ({ kind, content }: TextPart): string =>
    `Content-Type: text/${kind === "html" ? "html" : "plain"}; charset=utf-8\r\n` +
    `Content-Transfer-Encoding: base64\r\n\r\n${encodeBase64String(content)}\r\n`;
  const part = (group: readonly TextPart[], at: number): string =>
    group.length === 1
      ? group.map(leaf).join("")
      : `Content-Type: multipart/alternative; boundary=b${at}\r\n\r\n` +
        `${group.map((one) => `--b${at}\r\n${leaf(one)}`).join("")}--b${at}--\r\n`;
  const mime = `Content-Type: multipart/mixed; boundary=all\r\n\r\n${groups
    .map((group, at) => `--all\r\n${part(group, at)}`)
    .join("")}--all--\r\n`;
  const { text, html } = await PostalMime.parse(mime);
  return { text: text ?? null, html: html ?? null };
}
