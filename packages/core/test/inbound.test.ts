import { describe, expect, it } from "vitest";
import {
  formatInboundAddress,
  inboundFromMime,
  inboundMessage,
  parseInboundAddresses,
  urlPath,
} from "../src/inbound/index.js";

const lines = (...all: readonly string[]): string => all.join("\r\n");
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const bytesOf = async (file: { blob(): Promise<Blob> } | undefined): Promise<string> =>
  Array.from(new Uint8Array(await ((await file?.blob()) ?? new Blob()).arrayBuffer()), (byte) =>
    String.fromCharCode(byte),
  ).join("");

describe("inboundFromMime", () => {
  it("reads addresses, subject, date and repeated headers", async () => {
    const mail = await inboundFromMime(
      lines(
        "Received: by two",
        "Received: by one",
        'From: "Hopper, Grace" <grace@example.org>',
        "To: =?utf-8?q?Ad=C3=A1?= <ada@example.com>, Friends: a@example.com, b@example.com;",
        "Cc: c@example.com (Carol)",
        "Subject: =?utf-8?b?4pyTIGRvbmU=?= and =?iso-8859-1?q?caf=E9?=",
        "Date: Wed, 11 Oct 2017 18:31:04 -0700",
        "",
        "hello",
      ),
    );
    expect(mail.from).toEqual({ name: "Hopper, Grace", email: "grace@example.org" });
    expect(mail.to).toEqual([
      { name: "Adá", email: "ada@example.com" },
      { name: "", email: "a@example.com" },
      { name: "", email: "b@example.com" },
    ]);
    expect(mail.cc).toEqual([{ name: "Carol", email: "c@example.com" }]);
    expect(mail.subject).toBe("✓ done and café");
    expect(mail.date?.toISOString()).toBe("2017-10-12T01:31:04.000Z");
    expect(mail.headers.filter(([name]) => name === "Received").map(([, value]) => value)).toEqual([
      "by two",
      "by one",
    ]);
    expect(mail.header("RECEIVED")).toBe("by two");
    expect(mail.text?.trim()).toBe("hello");
    expect(await mail.mime?.text()).toContain("Received: by two\r\n");
  });

  it("reads nested multiparts: text, inline image, file, and a mail that is attached", async () => {
    const mail = await inboundFromMime(
      lines(
        "Content-Type: multipart/mixed; boundary=outer",
        "",
        "--outer",
        'Content-Type: multipart/related; boundary="in ner"',
        "",
        "--in ner",
        "Content-Type: multipart/alternative; boundary=alt",
        "",
        "--alt",
        "",
        "plain",
        "--alt",
        "Content-Type: text/html; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "<p>caf=C3=A9 <img src=3D=",
        '"cid:pic"></p>',
        "--alt--",
        "--in ner",
        "Content-Type: image/png",
        "Content-ID: <pic>",
        "Content-Transfer-Encoding: base64",
        "",
        "AAEC",
        "--in ner--",
        "--outer",
        "Content-Type: message/rfc822",
        "",
        "Subject: within",
        "",
        "text of another",
        "--outer--",
      ),
    );
    expect([mail.text, mail.html]).toEqual(["plain", '<p>café <img src="cid:pic"></p>']);
    expect(await bytesOf(mail.inlines["pic"])).toBe("\u0000\u0001\u0002");
    expect(mail.attachments.map(({ contentType }) => contentType)).toEqual(["message/rfc822"]);
    expect(await bytesOf(mail.attachments[0])).toBe("Subject: within\r\n\r\ntext of another");
  });

  it("keeps the exact bytes of files in every encoding", async () => {
    const file = (
      name: string,
      encoding: string,
      content: string,
      type = "application/octet-stream",
    ): string =>
      lines(
        "--b",
        `Content-Type: ${type}`,
        `Content-Disposition: attachment; filename=${name}`,
        ...(encoding ? [`Content-Transfer-Encoding: ${encoding}`] : []),
        "",
        content,
        "",
      );
    const binary = "\u0000\u0001\r\r\n\n\r--b-not\r\n--bb\r\nend\r\n";
    const mail = await inboundFromMime(
      latin1(
        lines(
          "Content-Type: multipart/mixed; boundary=b",
          "",
          file("a.csv", "quoted-printable", "a,b=\r\n,c=20\r\n1=3D,2=\t\r\n;\r\n=ZZ=", "text/csv"),
          "",
        ).replace(/\r\n$/, "") +
          file("b.bin", "binary", binary) +
          file("c.txt", "7bit", "one\ntwo\n", "text/plain") +
          file("d.txt", "", "", "text/plain") +
          file("e.txt", "8BIT", "caf\u00e9", "text/plain") +
          file("f.bin", "base64", "AAEC") +
          "--b--",
      ),
    );
    const files = await Promise.all(mail.attachments.map(async (one) => [one.filename, await bytesOf(one)]));
    expect(files).toEqual([
      ["a.csv", "a,b,c \r\n1=,2;\r\n=ZZ"],
      ["b.bin", binary],
      ["c.txt", "one\ntwo\n"],
      ["d.txt", ""],
      ["e.txt", "caf\u00e9"],
      ["f.bin", "\u0000\u0001\u0002"],
    ]);
  });

  it("reads file names of RFC 2231 and RFC 2047, and none of their folders", async () => {
    const names = [
      "filename*=utf-8''na%C3%AFve%20plan.txt",
      "filename*0*=utf-8''na%C3%AF; filename*1=ve.txt",
      'filename="=?utf-8?q?na=C3=AFve=2Etxt?="',
      'filename="C:\\\\share\\\\..\\\\plan.txt"',
      'filename="../../etc/passwd"',
    ];
    const parts = names.map((name) => lines("--b", `Content-Disposition: attachment; ${name}`, "", "x"));
    const mail = await inboundFromMime(
      lines("Content-Type: multipart/mixed; boundary=b", "", ...parts, "--b--"),
    );
    expect(mail.attachments.map(({ filename }) => filename)).toEqual([
      "naïve plan.txt",
      "naïve.txt",
      "naïve.txt",
      "plan.txt",
      "passwd",
    ]);
  });

  it("reads charsets, also those that the Encoding Standard leaves out", async () => {
    const read = async (
      charset: string,
      bytes: string,
      name = `=?${charset}?q?${bytes.replace(/[^ -~]/g, hex)}?=`,
    ) => {
      const mail = await inboundFromMime(
        latin1(lines(`Subject: ${name}`, `Content-Type: text/plain; charset=${charset}`, "", bytes)),
      );
      return [mail.subject, mail.text?.trim()];
    };
    const hex = (character: string): string =>
      `=${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
    expect(await read("windows-1252", "\u0093hi\u0094")).toEqual(["“hi”", "“hi”"]);
    expect(await read("iso-8859-1", "\u0080 caf\u00e9")).toEqual(["€ café", "€ café"]);
    expect(await read("koi8-r", "\u00f0\u00d2\u00c9")).toEqual(["При", "При"]);
    expect(await read("iso-2022-jp", '\u001b$B$"\u001b(B')).toEqual(["あ", "あ"]);
    expect((await read("cp850", "pidi\u00a2"))[0]).toBe("pidió");
    expect((await read("x", "", "=?ibm437?b?gQ==?="))[0]).toBe("ü");
  });

  it("makes something of broken mail", async () => {
    const broken = [
      "",
      "\r\n",
      "no header at all",
      "Subject",
      "Content-Type: multipart/mixed",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\nno parts",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n--b\r\n\r\nafter the end",
      "Content-Transfer-Encoding: base64\r\n\r\n%%%",
      "Subject: =?utf-8?q?=?= =?utf-8?b?%?= =?cp850?b?%?=\r\n\r\n",
    ];
    for (const mime of broken) {
      const mail = await inboundFromMime(mime);
      expect(mail.from, mime).toBeNull();
      for (const file of mail.attachments) expect(await file.blob()).toBeInstanceOf(Blob);
    }
    expect((await inboundFromMime("no header at all")).text?.trim()).toBe("no header at all");
    // A part that the mail's end cuts off is still there.
    const cut = await inboundFromMime(
      lines(
        "Content-Type: multipart/mixed; boundary=b",
        "",
        "--b",
        "Content-Disposition: attachment",
        "",
        "half",
      ),
    );
    expect(await bytesOf(cut.attachments[0])).toBe("half");
  });

  it("refuses mail that nests without end", async () => {
    const deep = Array.from({ length: 200 }, (_, depth) =>
      lines(`Content-Type: multipart/mixed; boundary=b${depth}`, "", `--b${depth}`, ""),
    ).join("");
    await expect(inboundFromMime(deep)).rejects.toMatchObject({ name: "WebhookRequestError", status: 400 });
  });
});

describe("inboundMessage", () => {
  it("says null for what it is not told", () => {
    expect(inboundMessage({ headers: [] })).toMatchObject({
      from: null,
      to: [],
      subject: null,
      text: null,
      envelopeSender: null,
      spamDetected: null,
      authentication: { spf: null, dkim: null, dmarc: null },
      mime: null,
    });
  });

  it("bares the addresses of the envelope", () => {
    const { envelopeSender, envelopeRecipient } = inboundMessage({
      headers: [],
      envelopeSender: "<a@example.org>",
      envelopeRecipient: " ",
    });
    expect([envelopeSender, envelopeRecipient]).toEqual(["a@example.org", null]);
  });
});

describe("addresses", () => {
  it("go through formatting and back", () => {
    for (const address of [
      { name: "", email: "a@example.org" },
      { name: 'Hopper, "Amazing" Grace', email: "grace@example.org" },
      { name: "Adá Lovelace", email: "ada@example.org" },
      { name: "J. R.", email: "jr@example.org" },
    ]) {
      expect(parseInboundAddresses(formatInboundAddress(address))).toEqual([address]);
    }
  });
});

describe("urlPath", () => {
  it("encodes all but unreserved characters, and half characters too", () => {
    expect(urlPath("a b", "c/d", "(!)", "\ud800", "é")).toBe("a%20b/c%2Fd/%28%21%29/%EF%BF%BD/%C3%A9");
  });
});
