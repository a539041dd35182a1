import { decodeWords } from "postal-mime";
import { encodeBase64 } from "../bytes/base64.js";

/** Characters of windows-1252 at 0x80 to 0x9F; a place that it leaves free is the control character itself. */
const WINDOWS_1252 =
  "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
  "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

/** Characters of DOS from 0x80: old mail programs use these code pages, and the Encoding Standard leaves them out. */
const CODE_PAGE_437 =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐" +
  "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";
const CODE_PAGE_850 =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐" +
  "└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±\u2017¾¶§÷¸°¨·¹³²■\u00a0";

/** Encoded words (RFC 2047) in a code page of DOS. */
const DOS_WORD = /=\?((?:cp|ibm)-?(?:437|850))(?:\*[^?]*)?\?([bq])\?([^?]*)\?=/gi;

/** Bytes as text. A charset that nothing here knows is read as UTF-8. */
export function decodeText(bytes: Uint8Array, charset: string): string {
  const page = /^(?:cp|ibm)-?(437|850)$/i.exec(charset)?.[1];
  if (page) return decodeDos(bytes, page === "437" ? CODE_PAGE_437 : CODE_PAGE_850);
  try {
    return repairWindows1252(new TextDecoder(charset).decode(bytes));
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

/** A header's value with its encoded words decoded. @see https://www.rfc-editor.org/rfc/rfc2047 */
export function decodeHeader(value: string): string {
  const known = value.replace(DOS_WORD, (_, charset: string, encoding: string, text: string) => {
    const bytes =
      encoding.toLowerCase() === "b" ? bytesOf(() => atob(text)) : bytesOf(() => unescapeWord(text));
    return `=?utf-8?b?${encodeBase64(new TextEncoder().encode(decodeText(bytes, charset)))}?=`;
  });
  return repairWindows1252(decodeWords(known));
}

/**
 * Puts right what Node 20 decodes as ISO-8859-1 although it is windows-1252, as the Encoding Standard says
 * both are. The control characters in their place have no business in a text, so no good text is changed.
 *
 * @see https://encoding.spec.whatwg.org/#names-and-labels
 */
export function repairWindows1252(text: string): string {
  return text.replace(/[\u0080-\u009f]/g, (character) => WINDOWS_1252.charAt(character.charCodeAt(0) - 0x80));
}

function decodeDos(bytes: Uint8Array, page: string): string {
  return Array.from(bytes, (byte) =>
    byte < 0x80 ? String.fromCharCode(byte) : page.charAt(byte - 0x80),
  ).join("");
}

/** The Q encoding: `_` is a space, `=A2` a byte. */
function unescapeWord(text: string): string {
  return text
    .replaceAll("_", " ")
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Characters up to 0xFF as bytes; none where base64 is none. */
function bytesOf(binary: () => string): Uint8Array {
  try {
    return Uint8Array.from(binary(), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
