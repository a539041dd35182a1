import { describe, expect, it } from "vitest";
import { encodeJson } from "../src/backend/body.js";
import { InvalidMessageError, type Message, SerializationError, serializeMessage } from "../src/index.js";
import { ByteChunks, LargeString, mergeDefaults, normalizeMessage } from "../src/provider.js";

const base = { from: "a@example.com", to: ["b@example.com"], subject: "S", text: "T" } as const;
const normalize = (fields: Record<string, unknown>) =>
  normalizeMessage({ ...base, ...fields } as Message, "base64");

describe("bad input names its field", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["no recipient", { to: [] }, '"to" must have a recipient'],
    [
      "a batch of nobody",
      { to: [], cc: ["c@example.com"], mergeMetadata: {} },
      '"to" must have a recipient: mergeData',
    ],
    ["no from", { from: undefined }, '"from" is required'],
    ["several addresses in one string", { to: "b@example.com, c@example.com" }, "holds 2 addresses"],
    ["a misspelt field", { subjct: "x" }, 'Did you mean "subject"?'],
    [
      "a line break in the subject",
      { subject: "S\r\nBcc: x@example.com" },
      '"subject" must not have control characters',
    ],
    ["a line break in a tag", { tags: ["a\nb"] }, '"tags[0]"'],
    ["an empty tag", { tags: [""] }, '"tags[0]"'],
    ["a line break in a header", { headers: { "X-A": "a\nb" } }, '"headers.X-A"'],
    ["a line break in a header's name", { headers: { "X-A\n": "a" } }, "is not a header name"],
    ["a header that is a field", { headers: { Bcc: "x@example.com" } }, 'is set by the field "bcc"'],
    ["a header given twice", { headers: { "X-A": "a", "x-a": "b" } }, "is given twice"],
    ["a line break in a metadata key", { metadata: { "a\nb": 1 } }, "control character"],
    ["a bad address in a list", { cc: ["x@example.com", "nobody"] }, '"cc[1]"'],
    ["a bad address as merge key", { mergeData: { nobody: {} } }, 'mergeData["nobody"]'],
    ["text that is none", { text: 42 }, '"text" must be a string'],
    ["a flag that is none", { trackOpens: "yes" }, '"trackOpens"'],
    ["a moment that is none", { sendAt: "soon" }, '"sendAt" must be a Date'],
    ["milliseconds as a moment", { sendAt: 1_800_000_000_000 }, '"sendAt" must be a Date'],
    ["an attachment without content", { attachments: [{ filename: "a" }] }, "attachments[0].content"],
    [
      "an attachment's bad type",
      { attachments: [{ content: "", contentType: "text" }] },
      "attachments[0].contentType",
    ],
    [
      "an inline attachment without id",
      { attachments: [{ content: "", disposition: "inline" }] },
      "attachments[0].contentId",
    ],
    [
      "an attachment's unknown field",
      { attachments: [{ content: "", name: "x" }] },
      '"attachments[0].name" is not a field',
    ],
    [
      "a line break in a file name",
      { attachments: [{ content: "", filename: "a\r\nb" }] },
      "attachments[0].filename",
    ],
    [
      "base64 that is none",
      { attachments: [{ content: "*", encoding: "base64" }] },
      "attachments[0].content",
    ],
  ])("%s", async (_, fields, why) => {
    const failure = normalize(fields);
    await expect(failure).rejects.toThrow(InvalidMessageError);
    await expect(failure).rejects.toThrow(why);
    await expect(failure).rejects.toMatchObject({ delivery: "not-sent", retryable: false });
  });

  it.each<[string, unknown]>([
    ["function", () => 1],
    ["bigint", 10n],
    ["NaN", Number.NaN],
    ["Map", new Map()],
    ["invalid date", new Date(Number.NaN)],
  ])("metadata with a %s", async (_, value) => {
    await expect(normalize({ metadata: { deep: [{ value }] } })).rejects.toThrow(SerializationError);
    await expect(normalize({ metadata: { deep: [{ value }] } })).rejects.toThrow("metadata.deep[0].value");
  });

  it("a cycle", async () => {
    const loop: Record<string, unknown> = {};
    loop["self"] = loop;
    await expect(normalize({ metadata: loop })).rejects.toThrow("metadata.self");
  });

  it("a stream that fails", async () => {
    const content = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("disk on fire")),
    });
    await expect(normalize({ attachments: [{ content }] })).rejects.toThrow(
      '"attachments[0].content" cannot be read: disk on fire',
    );
  });
});

describe("normalizeMessage", () => {
  it("takes Reply-To as a header, html and amp as alternatives, null as absent", async () => {
    const message = await normalize({
      headers: { "reply-to": "R <r@example.com>, s@example.com", "X-A": 1 },
      alternatives: [
        { content: "<p>", contentType: "text/html" },
        { content: "x", contentType: "text/calendar" },
      ],
      cc: null,
      metadata: null,
    });
    expect(message.replyTo.map(({ email }) => email)).toEqual(["r@example.com", "s@example.com"]);
    expect(message.headers).toEqual([["X-A", 1]]);
    expect(message.html).toBe("<p>");
    expect(message.alternatives).toEqual([{ content: "x", contentType: "text/calendar" }]);
    expect(message).toMatchObject({ cc: [], metadata: undefined, isBatch: false });
  });

  it.each<[Message["sendAt"], string]>([
    [new Date("2026-03-04T05:06:07.9Z"), "2026-03-04T05:06:07+00:00"],
    ["2026-03-04T05:06:07-08:00", "2026-03-04T05:06:07-08:00"],
    ["2026-03-04 05:06:07", "2026-03-04T05:06:07+00:00"],
    ["2026-03-04", "2026-03-04T00:00:00+00:00"],
    ["2026-03-04T05:06+0530", "2026-03-04T05:06:00+05:30"],
    ["Wed, 04 Mar 2026 05:06:07 GMT", "2026-03-04T05:06:07+00:00"],
    [1_772_600_767, "2026-03-04T05:06:07+00:00"],
  ])("reads sendAt %s", async (sendAt, iso) => {
    const message = await normalize({ sendAt });
    expect(message.sendAt?.iso).toBe(iso);
    expect(new Date(iso).getTime() - (message.sendAt?.time ?? 0)).toBeLessThanOrEqual(0);
  });

  it("writes header names by recipient as the common headers write them", async () => {
    const message = await normalize({
      headers: { "X-One": "1" },
      mergeHeaders: { "b@example.com": { "x-one": "2" } },
    });
    expect(message.mergeHeaders).toEqual({ "b@example.com": [["X-One", "2"]] });
    expect(message.isBatch).toBe(true);
  });
});

describe("attachments", () => {
  const large = new Uint8Array(300_001).map((_, index) => index * 7);
  const expected = Buffer.from(large).toString("base64");
  const pieces = [0, 1, 2, 100_000, 100_001, 300_001];
  const stream = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        for (let at = 1; at < pieces.length; at++)
          controller.enqueue(large.subarray(pieces[at - 1], pieces[at]));
        controller.close();
      },
    });
  const stringOf = async (text: string | LargeString): Promise<string> =>
    text instanceof LargeString ? text.pieces.blob().text() : text;

  it.each<[string, () => unknown]>([
    ["bytes", () => large],
    ["an ArrayBuffer", () => large.buffer],
    ["a Blob", () => new Blob([large])],
    ["a stream", stream],
  ])("reads %s in either form", async (_, content) => {
    for (const form of ["base64", "raw"] as const) {
      const message = await normalizeMessage(
        { ...base, attachments: [{ content: content() as Blob }] },
        form,
      );
      const attachment = message.attachments[0];
      expect(attachment?.content.size).toBe(large.length);
      if (form === "base64")
        expect((await stringOf(attachment?.content.base64() ?? "")) === expected).toBe(true);
      else
        expect(
          Buffer.from((await attachment?.content.raw().blob().arrayBuffer()) ?? new ArrayBuffer(0)).equals(
            large,
          ),
        ).toBe(true);
    }
  });

  it("keeps empty, text and base64 contents, and guesses types", async () => {
    const { attachments } = await normalize({
      attachments: [
        { content: new Uint8Array(0), filename: "empty.pdf" },
        { content: "žluťoučký", filename: "a.unknown" },
        { content: "AAEC", encoding: "base64", contentType: "image/png", contentId: "<cid@x>" },
        { content: new File(["{}"], "d.json", { type: "application/json" }) },
      ],
    });
    expect(
      attachments.map(({ filename, contentType, content, contentId, inline }) => [
        filename,
        contentType,
        content.base64(),
        contentId,
        inline,
      ]),
    ).toEqual([
      ["empty.pdf", "application/pdf", "", undefined, false],
      ["a.unknown", "text/plain", Buffer.from("žluťoučký").toString("base64"), undefined, false],
      [undefined, "image/png", "AAEC", "cid@x", true],
      ["d.json", "application/json", "e30=", undefined, false],
    ]);
  });

  it("splices large texts into JSON as they are", async () => {
    const body = encodeJson({
      a: [new LargeString(new ByteChunks([new Blob(["QU"]), new TextEncoder().encode("JD")])), "é"],
      b: new LargeString(new ByteChunks([])),
    });
    expect(JSON.parse(await (body as ByteChunks).blob().text())).toEqual({ a: ["QUJD", "é"], b: "" });
  });

  it("survives JSON", async () => {
    const message: Message = {
      ...base,
      sendAt: new Date(0),
      attachments: [{ content: stream(), filename: "x" }, { content: "text" }],
    };
    const plain = JSON.parse(JSON.stringify(await serializeMessage(message))) as Message;
    const read = await normalizeMessage(plain, "base64");
    expect((await stringOf(read.attachments[0]?.content.base64() ?? "")) === expected).toBe(true);
    expect(read.attachments[1]?.content.base64()).toBe(btoa("text"));
    expect(read.sendAt?.time).toBe(0);
  });
});

describe("mergeDefaults", () => {
  it("joins lists, merges dictionaries, and lets scalars give way", () => {
    const merged = mergeDefaults(
      {
        subject: "default",
        tags: ["a"],
        metadata: { x: 1, y: 1 },
        headers: { "X-A": "1", "X-B": "1" },
        mergeData: { "b@example.com": { p: 1, q: 1 } },
        espExtra: { deep: { er: { a: 1 }, list: [1] } },
        trackOpens: true,
      },
      {
        subject: "own",
        tags: ["b"],
        metadata: { y: 2 },
        headers: { "x-a": "2" },
        mergeData: { "b@example.com": { q: 2 } },
        espExtra: { deep: { er: { b: 2 } } },
        trackOpens: undefined,
      },
    );
    expect(merged).toEqual({
      subject: "own",
      tags: ["a", "b"],
      metadata: { x: 1, y: 2 },
      headers: { "X-B": "1", "x-a": "2" },
      mergeData: { "b@example.com": { p: 1, q: 2 } },
      espExtra: { deep: { er: { a: 1, b: 2 }, list: [1] } },
      trackOpens: true,
    });
  });
});
