/** Characters of windows-1252 at 0x80 to 0x9F; a place that it leaves free is the control character itself. */
const WINDOWS_1252 =
  "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
  "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

/**
 * Puts right what Node 20 decodes as ISO-8859-1 although it is windows-1252, as the Encoding Standard says
 * both are. The control characters in their place have no business in a text, so no good text is changed.
 *
 * @see https://encoding.spec.whatwg.org/#names-and-labels
 */
export function repairWindows1252(text: string): string {
  return text.replace(/[\u0080-\u009f]/g, (character) => WINDOWS_1252.charAt(character.charCodeAt(0) - 0x80));
}

/** Bytes as text; a charset that the platform does not know is read as UTF-8. */
export function decodeText(bytes: Uint8Array, charset: string): string {
  try {
    return repairWindows1252(new TextDecoder(charset).decode(bytes));
  } catch {
    return new TextDecoder().decode(bytes);
  }
}
