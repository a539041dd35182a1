/**
 * Messages of every kind that mail programs write, with what a person would see of each. Bytes are written as characters up
 * to U+00FF. All names and addresses are made up.
 */
export interface CorpusMessage {
  readonly name: string;
  readonly mime: string;
  readonly want: Wanted;
  /** Where mailparser reads it otherwise, and why that is not followed. */
  readonly differs?: Partial<Record<keyof Wanted, string>>;
}

/** What is compared. Addresses are `name <email>`; files are name, bytes, and `inline` where the HTML shows them. */
export interface Wanted {
  readonly from?: string | null;
  readonly to?: readonly string[];
  readonly cc?: readonly string[];
  readonly subject?: string | null;
  /** As ISO 8601. */
  readonly date?: string | null;
  readonly text?: string | null;
  readonly html?: string | null;
  readonly files?: readonly (readonly [name: string | null, bytes: string, inline?: "inline"])[];
}

const lines = (...all: readonly string[]): string => all.join("\r\n");
const header = (...all: readonly string[]): string => lines(...all, "", "x");
const body = (type: string, content: string, ...more: readonly string[]): string =>
  lines("Subject: case", ...(type ? [`Content-Type: ${type}`] : []), ...more, "", content);
const part = (content: string, ...headers: readonly string[]): string =>
  lines("--cut", ...headers, "", content);
const mixed = (...parts: readonly string[]): string =>
  lines("Subject: case", 'Content-Type: multipart/mixed; boundary="cut"', "", ...parts, "--cut--", "");
const file = (disposition: string, content = "x", ...more: readonly string[]): string =>
  mixed(
    part("see file", "Content-Type: text/plain"),
    part(content, "Content-Type: application/x-made-up", `Content-Disposition: ${disposition}`, ...more),
  );
const named = (name: string | null, content = "x"): Wanted => ({
  text: "see file",
  files: [[name, content]],
});

/** Why mailparser is not followed. */
const EMBEDDED =
  "it puts an embedded message into the text; ours is a file, since it is not what the sender wrote";
const CHARSET = "it does not find the charset that a person would read it in";
const COMMA = "it adds a space to the name";
const COMMENT = "RFC 2045 section 6.1 allows comments; the quotes are one step further";
const CONVERTED = "it makes plain text of HTML; ours is null where the message has none";
const FILE_NAME = "a name must not say where to put the file, nor break a line";
const LOST = "it loses what a person would see";
const NO_TYPE = "RFC 2045 section 5.2: what cannot be read as a type is text";
const ONE_LINE = "a subject that breaks a line adds a header wherever it is written on";
const QUOTES = "it makes a local part of the words, which is another address";
const UUENCODE = "it does not decode uuencode";
const ZONE = "it takes the present time; RFC 5322 section 4.3 says UTC";

export const CORPUS: readonly CorpusMessage[] = [
  // Addresses.
  { name: "a plain address", mime: header("From: ada@example.com"), want: { from: "ada@example.com" } },
  {
    name: "a name",
    mime: header("From: Ada Lovelace <ada@example.com>"),
    want: { from: "Ada Lovelace <ada@example.com>" },
  },
  {
    name: "a quoted name",
    mime: header('From: "Lovelace, \\"Ada\\"" <ada@example.com>'),
    want: { from: 'Lovelace, "Ada" <ada@example.com>' },
  },
  {
    name: "a name in a comment",
    mime: header("From: ada@example.com (Ada)"),
    want: { from: "Ada <ada@example.com>" },
  },
  {
    name: "an encoded name",
    mime: header("From: =?utf-8?q?Ad=C3=A1?= <ada@example.com>"),
    want: { from: "Adá <ada@example.com>" },
  },
  {
    name: "an encoded comma",
    mime: header("From: =?utf-8?Q?Doe=2C_Jane?= <jane@example.com>"),
    want: { from: "Doe, Jane <jane@example.com>" },
  },
  {
    name: "an encoded address as the name",
    mime: header("From: =?utf-8?Q?boss=40bank=2Eexample?= <mallory@evil.example>"),
    want: { from: "boss@bank.example <mallory@evil.example>" },
  },
  {
    name: "an encoded address with a comma",
    mime: header("From: =?utf-8?B?Ym9zc0BiYW5rLmV4YW1wbGUs?= <mallory@evil.example>"),
    want: { from: "boss@bank.example, <mallory@evil.example>" },
  },
  {
    name: "encoded angle brackets",
    mime: header("From: =?utf-8?Q?=3Cboss=40bank=2Eexample=3E?= <mallory@evil.example>"),
    want: { from: "<boss@bank.example> <mallory@evil.example>" },
  },
  {
    name: "nothing but an encoded address",
    mime: header("From: =?utf-8?Q?Boss_=3Cboss=40bank=2Eexample=3E?="),
    want: { from: null },
  },
  {
    name: "a raw comma in an encoded word",
    mime: header("From: =?utf-8?Q?Doe,_Jane?= <jane@example.com>"),
    want: { from: "Doe, Jane <jane@example.com>" },
    differs: { from: COMMA },
  },
  {
    name: "several addresses",
    mime: header("To: a@example.com, B <b@example.com>,, c@example.com"),
    want: { to: ["a@example.com", "B <b@example.com>", "c@example.com"] },
  },
  {
    name: "semicolons between addresses",
    mime: header("To: a@example.com; b@example.com"),
    want: { to: ["a@example.com", "b@example.com"] },
  },
  {
    name: "a group",
    mime: header("To: Friends: a@example.com, B <b@example.com>;, c@example.com"),
    want: { to: ["a@example.com", "B <b@example.com>", "c@example.com"] },
  },
  { name: "an empty group", mime: header("To: undisclosed-recipients:;"), want: { to: [] } },
  {
    name: "comments everywhere",
    mime: header("From: Pete (a \\) b) <pete(of us)@silly.test(here)>"),
    want: { from: "Pete <pete@silly.test>" },
  },
  {
    name: "a route",
    mime: header("To: Mary <@one.example,@two.example:mary@example.net>"),
    want: { to: ["Mary <mary@example.net>"] },
  },
  { name: "a quoted local part", mime: header('To: "a b"@example.com'), want: { to: ['"a b"@example.com'] } },
  {
    name: "a quoted local part in brackets",
    mime: header('To: Q <"a@b"@example.com>'),
    want: { to: ['Q <"a@b"@example.com>'] },
  },
  {
    name: "quotes that do not end",
    mime: header('From: "Ada <ada@example.com>'),
    want: { from: "Ada <ada@example.com>" },
    differs: { from: QUOTES },
  },
  {
    name: "repeated headers",
    mime: header("To: a@example.com", "To: b@example.com"),
    want: { to: ["a@example.com", "b@example.com"] },
  },
  {
    name: "folded addresses",
    mime: header("To: A", " <a@example.com>,", "\tb@example.com"),
    want: { to: ["A <a@example.com>", "b@example.com"] },
  },
  // Subjects and other headers.
  { name: "a raw UTF-8 subject", mime: header("Subject: caf\u00c3\u00a9"), want: { subject: "café" } },
  {
    name: "a raw Latin-1 subject",
    mime: header("Subject: caf\u00e9"),
    want: { subject: "café" },
    differs: { subject: CHARSET },
  },
  {
    name: "a raw Latin-1 byte in an encoded word",
    mime: header("Subject: =?iso-8859-1?Q?caf\u00e9?="),
    want: { subject: "café" },
    differs: { subject: CHARSET },
  },
  {
    name: "two words",
    mime: header("Subject: =?utf-8?q?a?=", " =?utf-8?q?b?= c"),
    want: { subject: "ab c" },
  },
  {
    name: "a character in two words",
    mime: header("Subject: =?utf-8?B?4g==?= =?utf-8?B?gqw=?="),
    want: { subject: "€" },
  },
  {
    name: "a character in two words of Q",
    mime: header("Subject: =?utf-8?Q?=E2=82?= =?utf-8?Q?=AC?="),
    want: { subject: "€" },
  },
  { name: "a word with a language", mime: header("Subject: =?utf-8*en?q?hi?="), want: { subject: "hi" } },
  {
    name: "a line break in a word",
    mime: header("Subject: =?utf-8?q?a=0D=0ABcc:_b=00?="),
    want: { subject: "a Bcc: b" },
    differs: { subject: ONE_LINE },
  },
  { name: "a code page of DOS", mime: header("Subject: =?cp850?q?f=81r?="), want: { subject: "für" } },
  {
    name: "a word of UTF-7",
    mime: header("Subject: =?utf-7?q?Hi_+Jjo-?="),
    want: { subject: "Hi ☺" },
    differs: { subject: CHARSET },
  },
  { name: "no subject", mime: header("From: a@example.com"), want: { subject: null } },
  // Dates.
  {
    name: "a date",
    mime: header("Date: Tue, 24 Nov 2026 12:00:00 +0100"),
    want: { date: "2026-11-24T11:00:00.000Z" },
  },
  {
    name: "a date with a zone of RFC 822",
    mime: header("Date: 24 Nov 2026 12:00 EST"),
    want: { date: "2026-11-24T17:00:00.000Z" },
  },
  {
    name: "a date with an unknown zone",
    mime: header("Date: Tue, 24 Nov 2026 12:00:00 CET"),
    want: { date: "2026-11-24T12:00:00.000Z" },
    differs: { date: ZONE },
  },
  {
    name: "a date without a zone",
    mime: header("Date: Tue, 24 Nov 2026 12:00:00"),
    want: { date: "2026-11-24T12:00:00.000Z" },
  },
  {
    name: "a date of C",
    mime: header("Date: Tue Nov 24 12:00:00 2026"),
    want: { date: "2026-11-24T12:00:00.000Z" },
  },
  {
    name: "a year of two digits",
    mime: header("Date: 24 Nov 26 12:00:00 GMT"),
    want: { date: "2026-11-24T12:00:00.000Z" },
  },
  // Text.
  { name: "plain text", mime: body("text/plain", "hello"), want: { text: "hello" } },
  { name: "no content type", mime: body("", "hello"), want: { text: "hello" } },
  {
    name: "HTML alone",
    mime: body("text/html", "<p>hello</p>"),
    want: { text: null, html: "<p>hello</p>" },
    differs: { text: CONVERTED },
  },
  {
    name: "a type that is none",
    mime: body("text", "hello"),
    want: { text: "hello" },
    differs: { text: NO_TYPE, files: NO_TYPE },
  },
  {
    name: "a parameter without a semicolon",
    mime: body("text/plain charset=iso-8859-1", "caf\u00e9"),
    want: { text: "café" },
    differs: { text: NO_TYPE, files: NO_TYPE },
  },
  { name: "Latin-1", mime: body("text/plain; charset=iso-8859-1", "caf\u00e9"), want: { text: "café" } },
  {
    name: "windows-1252",
    mime: body("text/plain; charset=windows-1252", "\u0093hi\u0094"),
    want: { text: "“hi”" },
  },
  {
    name: "UTF-8 that calls itself ASCII",
    mime: body("text/plain; charset=us-ascii", "caf\u00c3\u00a9"),
    want: { text: "café" },
  },
  {
    name: "Latin-1 that calls itself ASCII",
    mime: body("text/plain; charset=us-ascii", "caf\u00e9"),
    want: { text: "café" },
    differs: { text: CHARSET },
  },
  {
    name: "UTF-8 in an unknown charset",
    mime: body("text/plain; charset=x-unknown", "caf\u00c3\u00a9"),
    want: { text: "café" },
  },
  {
    name: "a code page in the body",
    mime: body("text/plain; charset=ibm437", "f\u0081r"),
    want: { text: "für" },
  },
  { name: "code page 852", mime: body("text/plain; charset=cp852", "\u00b7\u009d"), want: { text: "ĚŁ" } },
  { name: "KOI8-R", mime: body("text/plain; charset=koi8-r", "\u00f0\u00d2\u00c9"), want: { text: "При" } },
  {
    name: "ISO-2022-JP",
    mime: body("text/plain; charset=iso-2022-jp", '\u001b$B$"\u001b(B'),
    want: { text: "あ" },
  },
  {
    name: "UTF-16 in base64",
    mime: body("text/plain; charset=utf-16le", "aABpAA==", "Content-Transfer-Encoding: base64"),
    want: { text: "hi" },
  },
  {
    name: "quoted-printable",
    mime: body(
      "text/plain; charset=utf-8",
      "caf=C3=A9 =\r\nau lait",
      "Content-Transfer-Encoding: quoted-printable",
    ),
    want: { text: "café au lait" },
  },
  {
    name: "an encoding in a comment and quotes",
    mime: body("text/plain", "aGVsbG8=", 'Content-Transfer-Encoding: (x) "base64"'),
    want: { text: "hello" },
    differs: { text: COMMENT },
  },
  {
    name: "an unknown transfer encoding",
    mime: body("text/plain", "hello", "Content-Transfer-Encoding: x-made-up"),
    want: { text: "hello" },
  },
  {
    name: "format=flowed",
    mime: body("text/plain; format=flowed", "a \r\nb\r\n-- \r\nc"),
    want: { text: "a b\n-- \nc" },
  },
  {
    name: "format=flowed with delsp",
    mime: body("text/plain; format=flowed; delsp=yes", "a \r\nb"),
    want: { text: "ab" },
  },
  {
    name: "no empty line",
    mime: lines("Subject: case", "hello"),
    want: { subject: "case", text: "hello" },
    differs: { text: LOST },
  },
  {
    name: "no empty line before a boundary",
    mime: mixed(part("hello", "Content-Type: text/plain")).replace("\r\n\r\n--cut", "\r\n--cut"),
    want: { text: "hello" },
    differs: { text: LOST },
  },
  {
    name: "a line of spaces before the text",
    mime: lines("Subject: case", "  ", "hello"),
    want: { subject: "case", text: "hello" },
    differs: { text: LOST },
  },
  {
    name: "a boundary that never comes",
    mime: body("multipart/mixed; boundary=other", "hello"),
    want: { text: "hello" },
    differs: { text: LOST },
  },
  {
    name: "a multipart without a boundary",
    mime: body("multipart/mixed", "hello"),
    want: { text: "hello" },
    differs: { text: LOST },
  },
  {
    name: "a part whose boundary never comes",
    mime: mixed(part("hello", "Content-Type: multipart/alternative; boundary=never")),
    want: { text: "hello" },
    differs: { text: LOST },
  },
  {
    name: "a part that does not end",
    mime: lines("Content-Type: multipart/mixed; boundary=cut", "", part("hello", "Content-Type: text/plain")),
    want: { text: "hello" },
  },
  {
    name: "line feeds alone",
    mime: "Subject: case\nContent-Type: multipart/mixed; boundary=cut\n\n--cut\n\nhello\n--cut--\n",
    want: { text: "hello" },
  },
  {
    name: "a mailbox's first line",
    mime: lines("From ada@example.com Tue Nov 24 12:00:00 2026", "Subject: case", "", "hello"),
    want: { subject: "case", text: "hello" },
  },
  {
    name: "a byte order mark",
    mime: `\u00ef\u00bb\u00bf${body("", "hello")}`,
    want: { subject: "case", text: "hello" },
    differs: { subject: LOST },
  },
  {
    name: "two texts",
    mime: mixed(part("one", "Content-Type: text/plain"), part("two", "Content-Type: text/plain")),
    want: { text: "one\ntwo" },
  },
  {
    name: "an alternative",
    mime: mixed(
      lines(
        "--cut",
        "Content-Type: multipart/alternative; boundary=alt",
        "",
        "--alt",
        "",
        "plain",
        "--alt",
        "Content-Type: text/html",
        "",
        "<b>html</b>",
        "--alt--",
      ),
    ),
    want: { text: "plain", html: "<b>html</b>" },
  },
  // Files.
  {
    name: "a file",
    mime: file("attachment; filename=a.bin", "a\r\nb\r\n"),
    want: named("a.bin", "a\r\nb\r\n"),
  },
  {
    name: "a file in base64",
    mime: file("attachment; filename=a.bin", "AAEC\r\n", "Content-Transfer-Encoding: base64"),
    want: named("a.bin", "\u0000\u0001\u0002"),
  },
  {
    name: "base64 that is padded in each line",
    mime: file("attachment; filename=a.bin", "YQ==\r\nYg==\r\n", "Content-Transfer-Encoding: base64"),
    want: named("a.bin", "ab"),
  },
  {
    name: "uuencode",
    mime: file(
      "attachment",
      "begin 644 cat.txt\r\n#0V%T\r\n`\r\nend",
      "Content-Transfer-Encoding: x-uuencode",
    ),
    want: named("cat.txt", "Cat"),
    differs: { files: UUENCODE },
  },
  {
    name: "a name of RFC 2231",
    mime: file("attachment; filename*=utf-8''na%C3%AFve.txt"),
    want: named("naïve.txt"),
  },
  {
    name: "a name of RFC 2231 in sections",
    mime: file("attachment; filename*1*=%AFve; filename*0*=utf-8''na%C3; filename*2=.txt"),
    want: named("naïve.txt"),
  },
  {
    name: "a plain name beside one of RFC 2231",
    mime: file("attachment; filename=naive.txt; filename*=utf-8''na%C3%AFve.txt"),
    want: named("naïve.txt"),
  },
  {
    name: "a percent sign in a name",
    mime: file('attachment; filename="100%22.pdf"'),
    want: named("100%22.pdf"),
  },
  { name: "quotes in a name", mime: file('attachment; filename="a \\"b\\".txt"'), want: named('a "b".txt') },
  {
    name: "an encoded word as a name",
    mime: file('attachment; filename="=?utf-8?q?na=C3=AFve.txt?="'),
    want: named("naïve.txt"),
  },
  { name: "parentheses in a name", mime: file("attachment; filename=a(1).txt"), want: named("a(1).txt") },
  {
    name: "a path",
    mime: file('attachment; filename="../../etc/passwd"'),
    want: named("passwd"),
    differs: { files: FILE_NAME },
  },
  {
    name: "a path of Windows",
    mime: file('attachment; filename="C:\\temp\\a.txt"'),
    want: named("a.txt"),
    differs: { files: FILE_NAME },
  },
  {
    name: "two dots",
    mime: file('attachment; filename=".."'),
    want: named(null),
    differs: { files: FILE_NAME },
  },
  {
    name: "a line break in a name",
    mime: file("attachment; filename*=utf-8''a%0D%0Ab%00.txt"),
    want: named("a b.txt"),
    differs: { files: FILE_NAME },
  },
  {
    name: "a name in the content type",
    mime: mixed(
      part("see file", "Content-Type: text/plain"),
      part("x", "Content-Type: application/x-made-up; name=a.bin"),
    ),
    want: named("a.bin"),
  },
  {
    name: "a calendar",
    mime: mixed(
      part("see file", "Content-Type: text/plain"),
      part(
        "QkVHSU4NCsOpDQo=",
        "Content-Type: text/calendar; charset=iso-8859-1; name=a.ics",
        "Content-Transfer-Encoding: base64",
      ),
    ),
    want: named("a.ics", "BEGIN\r\n\u00c3\u00a9\r\n"),
  },
  {
    name: "a whole message that is a file",
    mime: body("application/pdf; name=a.pdf", "%PDF\r\n\r\n"),
    want: { text: null, files: [["a.pdf", "%PDF\r\n\r\n"]] },
  },
  {
    name: "a comment before the boundary",
    mime: mixed(part("a\r\nb\r\n", "Content-Type: application/x; name=f")).replace(
      "mixed; boundary",
      "mixed (x); (y) boundary",
    ),
    want: { files: [["f", "a\r\nb\r\n"]] },
  },
  {
    name: "a message within",
    mime: mixed(
      part("see file", "Content-Type: text/plain"),
      part("Subject: inner\r\n\r\ntext", "Content-Type: message/rfc822"),
    ),
    want: { text: "see file", files: [[null, "Subject: inner\r\n\r\ntext"]] },
  },
  {
    name: "a file that is text",
    mime: mixed(
      part("see file", "Content-Type: text/plain"),
      part("notes", "Content-Type: text/plain", "Content-Disposition: attachment; filename=a.txt"),
    ),
    want: named("a.txt", "notes"),
  },
  {
    name: "a photo without HTML",
    mime: mixed(
      part("see file", "Content-Type: text/plain"),
      part("1", "Content-Type: image/png", "Content-Disposition: inline; filename=a.png", "Content-ID: <a>"),
    ),
    want: { text: "see file", files: [["a.png", "1"]] },
  },
  {
    name: "a photo that the HTML shows",
    mime: mixed(
      part('<img src="cid:a@b">', "Content-Type: text/html"),
      part("1", "Content-Type: image/png; name=a.png", "Content-ID: <a@b>"),
    ),
    want: { html: '<img src="cid:a@b">', files: [["a.png", "1", "inline"]] },
  },
  {
    name: "two files with one Content-ID",
    mime: mixed(
      part('<img src="cid:a">', "Content-Type: text/html"),
      part("1", "Content-Type: image/png; name=a.png", "Content-ID: <a>"),
      part("2", "Content-Type: image/png; name=b.png", "Content-ID: <a>"),
    ),
    want: {
      files: [
        ["a.png", "1", "inline"],
        ["b.png", "2"],
      ],
    },
  },
  {
    name: "a comment behind the boundary",
    mime: mixed(part("hello", "Content-Type: text/plain")).replace('boundary="cut"', "boundary=cut(x)"),
    want: { text: "hello" },
    differs: { text: LOST },
  },
  {
    name: "an unknown kind of text",
    mime: body("text/markdown", "# hello"),
    want: { text: "# hello", files: [] },
    differs: { text: LOST, files: NO_TYPE },
  },
  {
    name: "a report of a delivery",
    mime: mixed(
      part("not delivered", "Content-Type: text/plain"),
      part("Reporting-MTA: dns; mx.example", "Content-Type: message/delivery-status"),
    ).replace("mixed;", "report; report-type=delivery-status;"),
    want: { text: "not delivered", files: [[null, "Reporting-MTA: dns; mx.example"]] },
    differs: { text: EMBEDDED, files: EMBEDDED },
  },
  {
    name: "a calendar that is the whole message",
    mime: body("text/calendar; method=REQUEST", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"),
    want: { text: null, files: [[null, "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"]] },
  },
  {
    name: "a text with a name that is all there is",
    mime: body("text/plain; name=body.txt", "hello", "Content-Disposition: inline; filename=body.txt"),
    want: { text: "hello", files: [] },
  },
  {
    name: "a digest",
    mime: mixed(lines("--cut", "", "Subject: inner", "", "text")).replace("mixed;", "digest;"),
    want: { files: [[null, "Subject: inner\r\n\r\ntext"]] },
    differs: { text: EMBEDDED, files: EMBEDDED },
  },
];
