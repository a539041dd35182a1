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
const CODE_PAGE_852 =
  "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐" +
  "└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u00ad˝˛ˇ˘§÷¸°¨˙űŘř■\u00a0";
const CODE_PAGES: Readonly<Record<string, string>> = {
  437: CODE_PAGE_437,
  850: CODE_PAGE_850,
  852: CODE_PAGE_852,
  // The same as 850 with the euro, and as 437 with three letters of the north.
  858: CODE_PAGE_850.replace("ı", "€"),
  865: CODE_PAGE_437.replace("¢", "ø").replace("¥", "Ø").replace("»", "¤"),
};

/** Windows code pages by their number, where the Encoding Standard has another name for them. */
const NUMBERED: Readonly<Record<string, string>> = {
  "874": "windows-874",
  "932": "shift_jis",
  "936": "gbk",
  "949": "euc-kr",
  "950": "big5",
  "1361": "euc-kr",
  "20866": "koi8-r",
  "21866": "koi8-u",
  "28591": "iso-8859-1",
  "28592": "iso-8859-2",
  "28605": "iso-8859-15",
  "50220": "iso-2022-jp",
  "50221": "iso-2022-jp",
  "50222": "iso-2022-jp",
  "51932": "euc-jp",
  "51949": "euc-kr",
  "54936": "gb18030",
  "65001": "utf-8",
};

/** Labels that mean "nobody knows", or ASCII, in which no byte beyond 0x7F is right. */
const NO_CHARSET =
  /^(?:|(?:us-?)?ascii|ansi_x3\.4-1968|646|iso-?646-us|unknown.*|x-unknown|binary|default|none|null|undefined|any|8-?bit|7-?bit|x-user-defined)$/;

/**
 * Bytes as text. Without a charset, with one that nothing here knows, and in what calls itself ASCII, text that is
 * UTF-8 is read as that, and other text as windows-1252.
 */
export function decodeText(bytes: Uint8Array, charset = ""): string {
  const label = charset
    .trim()
    .toLowerCase()
    .replace(/["'\s]/g, "");
  if (NO_CHARSET.test(label)) return guess(bytes);
  if (/^(?:unicode-?1-?1-?|x-)?utf-?7$/.test(label)) return decodeUtf7(bytes);
  const page = /^(?:x-)?(?:cp|ibm|dos|msdos)?-?(437|850|852|858|865)$/.exec(label)?.[1];
  if (page) return decodeSingleBytes(bytes, CODE_PAGES[page] as string);
  // Without a byte order mark, UTF-16 is little-endian in practice.
  if (/^(?:utf-?16|unicode|ucs-?2)$/.test(label) && bytes[0] === 0xfe && bytes[1] === 0xff) {
    return new TextDecoder("utf-16be").decode(bytes);
  }
  const decoder = decoderOf(label);
  return decoder ? repairWindows1252(decoder.decode(bytes)) : guess(bytes);
}

/** Decoders by label, `undefined` for a label that nobody knows; the oldest are forgotten. */
const decoders = new Map<string, TextDecoder | undefined>();
const MAX_DECODERS = 200;

function decoderOf(label: string): TextDecoder | undefined {
  if (decoders.has(label)) return decoders.get(label);
  let decoder: TextDecoder | undefined;
  for (const candidate of [label, aliasOf(label)]) {
    try {
      decoder ??= label.length > 40 ? undefined : new TextDecoder(candidate);
    } catch {
      // The next spelling may be known.
    }
  }
  if (decoders.size >= MAX_DECODERS) decoders.clear();
  decoders.set(label, decoder);
  return decoder;
}

/** The label that the Encoding Standard has for one that is spelled otherwise. */
function aliasOf(label: string): string {
  const bare = label.replace(/^(?:x-|cs)+/, "").replace(/\/\/.*$/, "");
  const number = /^(?:cp|windows|win|ms|ibm)[-_]?(\d+)$/.exec(bare)?.[1];
  if (number) return NUMBERED[number] ?? `windows-${number}`;
  const joined = bare.replace(/[-_.]/g, "");
  const iso = /^(?:iso)?8859(\d{1,2})([ie]?)$/.exec(joined);
  if (iso) return `iso-8859-${iso[1]}${iso[2] && `-${iso[2]}`}`;
  const latin = /^latin(\d)$/.exec(joined)?.[1];
  if (latin) return `latin${latin}`;
  if (joined.startsWith("utf8")) return "utf-8";
  const others: Readonly<Record<string, string>> = {
    eucjp: "euc-jp",
    euckr: "euc-kr",
    euccn: "gbk",
    gb23121980: "gbk",
    iso2022jp1: "iso-2022-jp",
    iso2022jp2: "iso-2022-jp",
    iso2022jp3: "iso-2022-jp",
    iso2022jpms: "iso-2022-jp",
    koi8r: "koi8-r",
    koi8u: "koi8-u",
    ksc56011992: "euc-kr",
    macroman: "macintosh",
    shiftjis: "shift_jis",
    tis620: "windows-874",
    uhc: "euc-kr",
  };
  return Object.hasOwn(others, joined) ? (others[joined] as string) : bare;
}

const utf8 = new TextDecoder();

/** UTF-8 where it is that; windows-1252 otherwise. */
function guess(bytes: Uint8Array): string {
  const text = utf8.decode(bytes);
  if (!text.includes("\ufffd")) return text;
  // A replacement character may stand there rightly. A decoder that throws would take longer, for each line of a message.
  const again = new TextEncoder().encode(text);
  const isSame = again.length === bytes.length && again.every((byte, at) => byte === bytes[at]);
  return isSame ? text : repairWindows1252(new TextDecoder("windows-1252").decode(bytes));
}

/**
 * Puts right what Node 20 decodes as ISO-8859-1 although it is windows-1252, as the Encoding Standard says
 * both are. The control characters in their place have no business in a text, so no good text is changed.
 *
 * @see https://encoding.spec.whatwg.org/#names-and-labels
 */
function repairWindows1252(text: string): string {
  return text.replace(/[\u0080-\u009f]/g, (character) => WINDOWS_1252.charAt(character.charCodeAt(0) - 0x80));
}

/** The byte that windows-1252 has for a character, or -1. */
export function byteOfWindows1252(character: string): number {
  const code = character.charCodeAt(0);
  const at = WINDOWS_1252.indexOf(character);
  return at >= 0 ? 0x80 + at : code <= 0xff ? code : -1;
}

function decodeSingleBytes(bytes: Uint8Array, page: string): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    const codes = Array.from(bytes.subarray(at, at + 8192), (byte) =>
      byte < 0x80 ? byte : page.charCodeAt(byte - 0x80),
    );
    pieces.push(String.fromCharCode(...codes));
  }
  return pieces.join("");
}

/** @see https://www.rfc-editor.org/rfc/rfc2152 */
function decodeUtf7(bytes: Uint8Array): string {
  return new TextDecoder("windows-1252")
    .decode(bytes)
    .replace(/\+([A-Za-z0-9+/]*)-?/g, (whole, digits: string) => {
      if (digits === "") return whole === "+-" ? "+" : whole;
      const units = atob(digits.slice(0, digits.length - (digits.length % 4 === 1 ? 1 : 0)));
      let text = "";
      for (let at = 0; at + 1 < units.length; at += 2) {
        text += String.fromCharCode(units.charCodeAt(at) * 256 + units.charCodeAt(at + 1));
      }
      return text;
    });
}
