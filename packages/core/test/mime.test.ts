import { type AddressObject, simpleParser } from "mailparser";
import PostalMime, { decodeWords } from "postal-mime";
import { describe, expect, it } from "vitest";
import type { Message } from "../src/index.js";
import { buildMime, encodeMime } from "../src/mime/index.js";
import { decodeBase64, normalizeMessage } from "../src/provider.js";

const base: Message = { from: "Ada <ada@example.com>", to: ["grace@example.org"], subject: "Subject" };
async function roundTrip(message: Partial<Message>, headers: readonly (readonly [string, string])[] = []) {
  const pieces = buildMime(await normalizeMessage({ ...base, ...message }, "base64"), headers);
  const encoded = await encodeMime(pieces);
  const base64 = typeof encoded === "string" ? encoded : await encoded.pieces.blob().text();
  const mime = new TextDecoder().decode(decodeBase64(base64));
  expect(mime).toMatch(/^(?:[\x20-\x7e\t]*\r\n)*$/);
  expect(Math.max(...mime.split("\r\n").map((line) => line.length))).toBeLessThanOrEqual(998);
  return { mime, parsed: await PostalMime.parse(mime) };
}

describe("buildMime, read back by an independent parser", () => {
  it("keeps all bodies, files and names", async () => {
    const big = new Uint8Array(1_000_000).map((_, index) => index % 256);
    const { parsed } = await roundTrip({
      from: '"Odesílatel, z adresy" <from@příklad.example.cz>',
      to: ["Příjemce <to@example.org>", "b@example.org"],
      cc: ['"Copy, Carbon" <cc@example.org>'],
      bcc: ["secret@example.org"],
      replyTo: ["Reply <reply@example.com>"],
      subject: `Předmět ${"velmi dlouhý ".repeat(30)}konec`,
      text: "Žluťoučký kůň\nsecond line",
      html: '<p>Kůň</p><img src="cid:logo@x">',
      attachments: [
        { filename: "účet 1.csv", content: "a;č" },
        { filename: 'quo"te.bin', content: big },
        {
          filename: "logo.png",
          content: new Uint8Array([137, 80]),
          contentType: "image/png",
          contentId: "logo@x",
        },
      ],
    });
    expect(parsed.from).toEqual({
      name: "Odesílatel, z adresy",
      address: "from@xn--pklad-zsa96e.example.cz",
    });
    expect(parsed.to?.map(({ name, address }) => [name, address])).toEqual([
      ["Příjemce", "to@example.org"],
      ["", "b@example.org"],
    ]);
    expect(parsed.cc?.map(({ name }) => name)).toEqual(["Copy, Carbon"]);
    expect(parsed.bcc ?? []).toEqual([]);
    expect(parsed.replyTo?.map(({ address }) => address)).toEqual(["reply@example.com"]);
    expect(parsed.subject).toBe(`Předmět ${"velmi dlouhý ".repeat(30)}konec`);
    expect(parsed.text?.trim().replace(/\r/g, "")).toBe("Žluťoučký kůň\nsecond line");
    expect(parsed.html).toContain("<p>Kůň</p>");
    expect(
      parsed.attachments.map(({ filename, disposition, contentId }) => [filename, disposition, contentId]),
    ).toEqual([
      ["logo.png", "inline", "<logo@x>"],
      ["účet 1.csv", "attachment", undefined],
      ['quo"te.bin', "attachment", undefined],
    ]);
    const content = new Uint8Array(parsed.attachments[2]?.content as ArrayBuffer);
    expect(Buffer.from(content).equals(Buffer.from(big))).toBe(true);
  });

  it("is the same of large files as of small ones, in lines of 76 characters", async () => {
    const files = [400_000, 262_145, 3].map((size, index) => ({
      filename: `${index}.bin`,
      content: new Uint8Array(size).map((_, at) => (at * 31 + index) % 251),
    }));
    const { mime, parsed } = await roundTrip({ text: "t", attachments: files });
    for (const [index, { content }] of files.entries()) {
      const parsedContent = Buffer.from(parsed.attachments[index]?.content as ArrayBuffer);
      expect(parsedContent.equals(Buffer.from(content))).toBe(true);
      expect(mime).toContain(
        `${Buffer.from(content)
          .toString("base64")
          .replace(/.{1,76}/g, "$&\r\n")}--`,
      );
    }
  });

  it("orders alternatives from the plainest to HTML, with AMP between", async () => {
    const { mime } = await roundTrip({
      text: "t",
      html: "<p>",
      amp: "<html amp4email>",
      alternatives: [{ content: "BEGIN:VCALENDAR", contentType: "text/calendar" }],
    });
    const types = [...mime.matchAll(/Content-Type: (\S+?);/g)].map(([, type]) => type);
    expect(types).toEqual([
      "multipart/alternative",
      "text/plain",
      "text/calendar",
      "text/x-amp-html",
      "text/html",
    ]);
  });

  it("makes a single part of a text, and loses no inline file without HTML", async () => {
    expect((await roundTrip({ text: "just text" })).mime).not.toContain("multipart");
    expect((await roundTrip({})).parsed.text?.trim() ?? "").toBe("");
    const { parsed } = await roundTrip({
      text: "t",
      attachments: [{ content: "x", contentType: "image/png", contentId: "a@b" }],
    });
    expect(parsed.attachments).toHaveLength(1);
  });

  it("folds and encodes further headers", async () => {
    const value = `{"note":"${"důležité ".repeat(20)}"}`;
    const { parsed } = await roundTrip({ text: "t" }, [["X-Metadata", value]]);
    const words = parsed.headers.find(({ key }) => key === "x-metadata")?.value.split(" ") ?? [];
    expect(words.length).toBeGreaterThan(3);
    expect(words.map((word) => Buffer.from(word.slice(10, -2), "base64").toString()).join("")).toBe(value);
  });

  it("keeps parameters of types in lines of their own, encoded where they are not ASCII", async () => {
    const { mime } = await roundTrip({
      text: "t",
      alternatives: [
        { content: "BEGIN:VCALENDAR", contentType: "text/calendar; charset=iso-8859-1; method=REQUEST" },
      ],
      attachments: [
        { filename: "a.csv", content: "x", contentType: "text/csv; header=present", charset: "utf-8" },
        { filename: "b.bin", content: "x", contentType: 'application/x-b; name="účet; 1.csv"', charset: "é" },
      ],
    });
    expect(mime).toContain("Content-Type: text/calendar; method=REQUEST; charset=utf-8\r\n");
    expect(mime).toContain("Content-Type: text/csv; header=present; charset=utf-8\r\n");
    const { attachments } = await simpleParser(mime);
    expect(attachments.map(({ filename }) => filename)).toEqual([undefined, "a.csv", "b.bin"]);
    expect(mime).toContain("name*=utf-8''%C3%BA%C4%8Det%3B%201.csv;\r\n charset*=utf-8''%C3%A9\r\n");
    await expect(
      roundTrip({ attachments: [{ filename: "c", content: "x", contentType: "tëxt/plain" }] }),
    ).rejects.toMatchObject({ name: "InvalidMessageError", field: "attachments" });
  });

  it("gives inline files ids in ASCII, and the HTML refers to these", async () => {
    const { mime, parsed } = await roundTrip({
      html: '<img src="cid:logo-é@x"><img src="cid:logo-%C3%A9@x"><img src="cid:plain@x">',
      attachments: ["logo-é@x", "plain@x"].map((contentId) => ({
        filename: "l.png",
        content: "x",
        contentType: "image/png",
        contentId,
      })),
    });
    expect(parsed.attachments.map(({ contentId }) => contentId)).toEqual(["<logo-_C3_A9@x>", "<plain@x>"]);
    expect(parsed.html?.match(/cid:[^"]+/g)).toEqual([
      "cid:logo-_C3_A9@x",
      "cid:logo-_C3_A9@x",
      "cid:plain@x",
    ]);
    expect((await simpleParser(mime)).html).not.toContain("cid:");
  });

  it("breaks no URL of a list header but where white space is ignored, and no address", async () => {
    const url = `<https://example.com/${"u".repeat(2000)}>`;
    const { parsed } = await roundTrip({ text: "t" }, [
      ["List-Unsubscribe", url],
      ["List-Id", "Zprávy <list.example.com>"],
      ["Sender", '"Kůň, Žluťoučký" <horse@example.com>'],
      ["X-Empty", ""],
    ]);
    const values = Object.fromEntries(parsed.headers.map(({ key, value }) => [key, value]));
    expect(values["list-unsubscribe"]?.replace(/\s/g, "")).toBe(url);
    expect(values["list-id"]).toMatch(/^=\?utf-8\?b\?\S+\?= <list\.example\.com>$/);
    expect(parsed.sender).toEqual({ name: "Kůň, Žluťoučký", address: "horse@example.com" });
    expect(values["x-empty"]).toBe("");
  });

  it("keeps any text of headers, in lines that RFC 5322 and RFC 2047 allow", async () => {
    const pieces = ["a", " ", "  ", "é", "𝄞", "日本", '"', ",", "x".repeat(80), "y".repeat(950), "\\", "=?"];
    const more = ["(", "'", "%", "*", "ž".repeat(60), ".", "@", ":"];
    const random = randomFrom(7);
    const pick = (): string =>
      Array.from({ length: 1 + random(8) }, () => [...pieces, ...more][random(20)]).join("");
    const squash = (text: string | undefined): string => (text ?? "").replace(/\s+/g, " ").trim();
    for (let round = 0; round < 60; round++) {
      const [subject, header, name, filename] = [pick(), pick(), pick().trim(), `f${pick()}f`];
      const { mime, parsed } = await roundTrip(
        {
          from: { name, email: "ada@example.com" },
          to: [{ name, email: "grace@example.org" }, "b@example.org"],
          subject,
          text: "t",
          attachments: [{ filename, content: "x" }],
        },
        [["X-Text", header]],
      );
      for (const line of mime.split("\r\n\r\n")[0]?.split("\r\n") ?? []) {
        expect(line).toMatch(/\S/);
        if (/=\?utf-8\?b\?\S+\?=/.test(line)) expect(line.length).toBeLessThanOrEqual(76);
      }
      const other = await simpleParser(mime);
      for (const found of [parsed.subject, other.subject]) expect(squash(found)).toBe(squash(subject));
      const names = [parsed.to?.[0]?.name, (other.to as AddressObject).value[0]?.name];
      for (const found of [...names, parsed.from?.name]) expect(squash(found)).toBe(squash(name));
      for (const found of [parsed, other]) expect(found.attachments[0]?.filename).toBe(filename);
      const text = parsed.headers.find(({ key }) => key === "x-text")?.value ?? "";
      expect(squash(decodeWords(text))).toBe(squash(header));
    }
  });
});

/** Numbers that are the same at each run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return state % below;
  };
}
