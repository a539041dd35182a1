import { Readable } from "node:stream";
import { createContext, runInContext } from "node:vm";
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

  it.each<[string, Record<string, unknown>, string]>([
    ["a merge key of nobody", { mergeData: { "x@example.com": {} } }, 'mergeData["x@example.com"]" must be'],
    [
      "two merge keys of one address",
      { mergeMetadata: { "b@example.com": {}, "B <B@example.com>": {} } },
      "is given twice",
    ],
    ["an encoding", { attachments: [{ content: "00", encoding: "hex" }] }, "attachments[0].encoding"],
    ["an encoding in capitals", { attachments: [{ content: "", encoding: "BASE64" }] }, '"utf-8", "base64"'],
    [
      "a disposition",
      { attachments: [{ content: "", disposition: "Inline" }] },
      "attachments[0].disposition",
    ],
    ["a number as a file name", { attachments: [{ filename: 5, content: "" }] }, "attachments[0].filename"],
    ["a Promise as content", { attachments: [{ content: Promise.resolve("") }] }, "await the Promise"],
    [
      "a header given twice by pairs",
      {
        headers: [
          ["X-A", "1"],
          ["x-a", "2"],
        ],
      },
      "is given twice",
    ],
    [
      "headers as entries of another form",
      { headers: [{ key: "X-A", value: "1" }] },
      "must be an object of header",
    ],
    ["a moment in the machine's zone", { sendAt: "2026/12/24 10:00" }, '"sendAt" must be'],
    ["a moment in words", { sendAt: "next monday 9" }, '"sendAt" must be'],
    ["a day that does not exist", { sendAt: "2026-02-30" }, '"sendAt" must be'],
    ["an HTTP date that does not exist", { sendAt: "Mon, 30 Feb 2026 10:00:00 GMT" }, '"sendAt" must be'],
    [
      "a zone that is not the same everywhere",
      { sendAt: "Thu, 24 Dec 2026 10:00:00 CEST" },
      '"sendAt" must be',
    ],
    ["an invalid Date", { sendAt: new Date(Number.NaN) }, '"sendAt" must be'],
    ["a Promise as a subject", { subject: Promise.resolve("S") }, "await it"],
    [
      "a React element",
      { html: { $$typeof: Symbol.for("react.element"), type: "p", props: {} } },
      "render(element)",
    ],
    ["a component", { html: () => "<p>" }, "it is a function"],
    ["MJML's result", { html: { html: "<p>", errors: [] } }, "pass its html"],
    ["a stream as a body", { text: new Blob(["x"]).stream() }, "it is a stream"],
    ["a body that was an object", { html: "[object Promise]" }, "an object was put into a string"],
    ["a Promise as a recipient", { to: Promise.resolve("b@example.com") }, "await the Promise"],
    ["Resend's tags", { tags: [{ name: "a", value: "b" }] }, "belong in metadata"],
    ["body", { body: "T" }, 'Did you mean "html" or "text"?'],
    ["reply_to", { reply_to: "r@example.com" }, 'Did you mean "replyTo"?'],
    ["scheduled_at", { scheduled_at: "2026-12-24" }, 'Did you mean "sendAt"?'],
    ["react", { react: {} }, 'Did you mean "html"?'],
  ])("%s", async (_, fields, why) => {
    await expect(normalize(fields)).rejects.toThrow(InvalidMessageError);
    await expect(normalize(fields)).rejects.toThrow(why);
  });

  it("a body whose promise fails", async () => {
    const html = Promise.reject(new Error("no template"));
    await expect(normalize({ html })).rejects.toThrow('"html" is a Promise that failed: no template');
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

describe("what people write", () => {
  it("takes one or many", async () => {
    const message = await normalize({
      from: { email: "a@example.com", name: "A" },
      to: "b@example.com",
      cc: { email: "c@example.com" },
      bcc: ["d@example.com"],
      replyTo: "r@example.com",
      tags: "welcome",
    });
    const emails = [message.from, message.to, message.cc, message.bcc, message.replyTo].map((list) =>
      list.map(({ email }) => email),
    );
    expect(emails).toEqual([
      ["a@example.com"],
      ["b@example.com"],
      ["c@example.com"],
      ["d@example.com"],
      ["r@example.com"],
    ]);
    expect(message.tags).toEqual(["welcome"]);
    const { from } = await normalize({ from: ["a@example.com", "B <b@example.com>"] });
    expect(from.map(({ name }) => name)).toEqual(["", "B"]);
  });

  it("counts repeated recipients and tags once, whatever their case", async () => {
    const message = await normalize({
      to: ["b@example.com", "B <B@Example.com>"],
      cc: ["b@example.com", "c@example.com"],
      bcc: ["C@example.com", "d@example.com"],
      tags: ["Welcome", "welcome", "other"],
    });
    const emails = [message.to, message.cc, message.bcc].map((list) => list.map(({ email }) => email));
    expect(emails).toEqual([["b@example.com"], ["c@example.com"], ["d@example.com"]]);
    expect(message.tags).toEqual(["Welcome", "other"]);
  });

  it("matches merge keys whatever their case", async () => {
    const message = await normalize({
      to: ["Bob@Example.com", "c@bücher.example"],
      mergeData: { "bob@example.com": { name: "Bob" }, "C@BÜCHER.example": { name: "C" } },
      mergeHeaders: { "BOB@example.com": new Headers({ "x-a": "1" }) },
    });
    expect(message.mergeData).toEqual({
      "Bob@Example.com": { name: "Bob" },
      "c@xn--bcher-kva.example": { name: "C" },
    });
    expect(message.mergeHeaders).toEqual({ "Bob@Example.com": [["x-a", "1"]] });
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["an empty html beside text", { html: "" }, { text: "T", html: undefined }],
    ["an empty text beside html", { text: "", html: "<p>" }, { text: undefined, html: "<p>" }],
    ["an empty text beside a template", { text: "", templateId: "t" }, { text: undefined }],
    ["two empty bodies", { text: "", html: "" }, { text: "", html: undefined }],
    ["an empty html alone", { text: undefined, html: "" }, { text: undefined, html: "" }],
    [
      "an empty html beside one among the alternatives",
      { html: "", alternatives: [{ content: "<b>", contentType: "text/html" }] },
      { html: "<b>", alternatives: [] },
    ],
    ["a body that is a promise", { html: Promise.resolve("<p>") }, { html: "<p>" }],
    ["a header Sender", { headers: { Sender: "s@example.com" } }, { headers: [["Sender", "s@example.com"]] }],
    ["headers as Headers", { headers: new Headers({ "X-A": "1" }) }, { headers: [["x-a", "1"]] }],
    ["headers as a Map", { headers: new Map([["X-A", 1]]) }, { headers: [["X-A", 1]] }],
    ["headers as pairs", { headers: [["X-A", "1"]] }, { headers: [["X-A", "1"]] }],
    ["half a surrogate pair in the subject", { subject: "a\ud83d" }, { subject: "a\ufffd" }],
    [
      "half a surrogate pair in metadata",
      { metadata: { "k\ud83d": ["v\ude00"] } },
      { metadata: { "k\ufffd": ["v\ufffd"] } },
    ],
    ["half a surrogate pair in a tag", { tags: "t\ud83d" }, { tags: ["t\ufffd"] }],
    ["half a surrogate pair in a body", { html: "h\ud83d" }, { html: "h\ufffd" }],
    ["half a surrogate pair in a header", { headers: { "X-A": "\ud83d" } }, { headers: [["X-A", "\ufffd"]] }],
  ])("%s", async (_, fields, expected) => {
    expect(await normalize(fields)).toMatchObject(expected);
  });

  it.each([
    ["cid:x@y", "x@y"],
    ["<x@y>", "x@y"],
    ["CID:x", "x"],
    ["x", "x"],
  ])("contentId %s", async (contentId, expected) => {
    const { attachments } = await normalize({
      attachments: [{ content: "", contentId, filename: "f\ud83d.txt" }],
    });
    expect(attachments[0]).toMatchObject({ contentId: expected, filename: "f\ufffd.txt", inline: true });
  });

  it("values of another realm", async () => {
    const context = createContext({ Blob, ReadableStream });
    const foreign = (code: string): unknown => runInContext(code, context) as unknown;
    const message = await normalize({
      sendAt: foreign("new Date(Date.UTC(2026, 0, 1))"),
      metadata: foreign("({ a: [{ b: 1 }], d: new Date(0) })"),
      headers: foreign("new Map([['X-A', '1']])"),
      attachments: [
        { content: foreign("new Uint8Array([1, 2])"), filename: "a" },
        { content: foreign("new Uint8Array([0, 1, 2]).buffer"), filename: "b" },
        { content: foreign("new DataView(new ArrayBuffer(3), 1)"), filename: "c" },
        {
          content: foreign("(async function* () { yield new Uint8Array([1]); yield 'é'; })()"),
          filename: "d",
        },
      ],
    });
    expect(message.sendAt?.iso).toBe("2026-01-01T00:00:00+00:00");
    expect(message.metadata).toEqual({ a: [{ b: 1 }], d: "1970-01-01T00:00:00.000Z" });
    expect(message.headers).toEqual([["X-A", "1"]]);
    expect(message.attachments.map(({ content }) => content.base64())).toEqual([
      "AQI=",
      "AAEC",
      "AAA=",
      "AcOp",
    ]);
  });
});

describe("streams", () => {
  const bytes = new Uint8Array(300_001).map((_, index) => index * 7);
  const sources: readonly [string, () => unknown][] = [
    ["a stream", () => new Blob([bytes]).stream()],
    [
      "a Node stream",
      () => Readable.from([Buffer.from(bytes.subarray(0, 5)), Buffer.from(bytes.subarray(5))]),
    ],
    [
      "a generator",
      async function* () {
        yield bytes.subarray(0, 100_001);
        yield bytes.subarray(100_001);
      },
    ],
  ];
  const read = async (content: unknown, form: "base64" | "raw"): Promise<Uint8Array> => {
    const message = await normalizeMessage(
      { ...base, attachments: [{ content: content as Blob, filename: "f" }] },
      form,
    );
    const attachment = message.attachments[0]?.content;
    if (form === "raw")
      return new Uint8Array((await attachment?.raw().blob().arrayBuffer()) ?? new ArrayBuffer(0));
    const base64 = attachment?.base64() ?? "";
    return Buffer.from(typeof base64 === "string" ? base64 : await base64.pieces.blob().text(), "base64");
  };

  it.each(sources)("%s gives the same each time, in either form", async (_, make) => {
    for (const forms of [
      ["base64", "base64", "raw"],
      ["raw", "base64", "raw"],
    ] as const) {
      const source = make();
      const together = await Promise.all(forms.map((form) => read(source, form)));
      for (const form of forms) together.push(await read(source, form));
      for (const content of together) expect(Buffer.from(content).equals(bytes)).toBe(true);
    }
  });

  it("small ones too", async () => {
    const source = new Blob(["small"]).stream();
    for (const form of ["base64", "raw", "base64"] as const)
      expect(Buffer.from(await read(source, form)).toString()).toBe("small");
  });

  it("that someone else has read are an error", async () => {
    const readToEnd = new Blob(["x"]).stream();
    await new Response(readToEnd).text();
    const locked = new Blob(["x"]).stream();
    locked.getReader();
    const partly = new Blob(["x"]).stream();
    const reader = partly.getReader();
    await reader.read();
    reader.releaseLock();
    const node = Readable.from([Buffer.from("x")]);
    for await (const _ of node);
    const generator = (async function* () {
      yield "x";
    })();
    for await (const _ of generator);
    for (const source of [readToEnd, locked, partly, node, generator]) {
      await expect(read(source, "base64")).rejects.toThrow(InvalidMessageError);
      await expect(read(source, "raw")).rejects.toThrow(/read before|being read/);
    }
  });

  it("of no content are empty attachments, where that is no mistake", async () => {
    expect(await read(new Blob([]).stream(), "base64")).toHaveLength(0);
    expect(await read(Readable.from([]), "raw")).toHaveLength(0);
  });

  it("that fail, fail each time", async () => {
    const source = Readable.from(
      (async function* () {
        yield Buffer.from("x");
        throw new Error("disk");
      })(),
    );
    for (let time = 0; time < 2; time++) {
      await expect(read(source, "base64")).rejects.toThrow('"attachments[0].content" cannot be read: disk');
    }
  });

  it("are kept for serializeMessage, which awaits bodies", async () => {
    const source = new Blob([bytes]).stream();
    const message = {
      ...base,
      html: Promise.resolve("<p>"),
      attachments: [{ content: source, filename: "f" }],
    };
    for (let time = 0; time < 2; time++) {
      const plain = JSON.parse(JSON.stringify(await serializeMessage(message))) as Message;
      expect(plain.html).toBe("<p>");
      expect(
        Buffer.from(
          await read(
            plain.attachments?.[0]?.content === undefined
              ? ""
              : Buffer.from(plain.attachments[0].content as string, "base64"),
            "raw",
          ),
        ).equals(bytes),
      ).toBe(true);
    }
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
        to: "b@example.com",
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
      to: "b@example.com",
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
