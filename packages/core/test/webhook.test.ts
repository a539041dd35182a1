import { describe, expect, it } from "vitest";
import { ConfigurationError, WebhookSignatureError } from "../src/errors.js";
import {
  type EventStore,
  memoryEventStore,
  resolveWebhookOptions,
  type TrackingEvent,
  trackingEvent,
  type WebhookOptions,
  type WebhookRequestError,
  webhookHandler,
} from "../src/webhooks/index.js";

const SPEC = {
  provider: "Test",
  maxBodyBytes: 1000,
  read: (post: { json(): unknown }) =>
    (post.json() as readonly object[]).map((raw) => trackingEvent("Test", raw, raw)),
};

function handlerWith(options: Partial<WebhookOptions<TrackingEvent>>, spec: object = {}) {
  const errors: unknown[] = [];
  const events: TrackingEvent[] = [];
  const handler = webhookHandler<TrackingEvent>(
    { ...SPEC, ...spec },
    {
      insecure: true,
      onEvent: (event) => void events.push(event),
      onError: (error) => void errors.push(error),
      ...options,
    },
  );
  return { handler, events, errors };
}

const post = (body: BodyInit | null, headers: Record<string, string> = {}, method = "POST"): Request =>
  new Request("http://hooks.example.com/", {
    method,
    headers,
    body,
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  } as RequestInit);

/** A body that sends its pieces, and then ends, fails or waits. */
function stream(pieces: readonly string[], then: "end" | "fail" | "wait"): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const piece = pieces[at++];
      if (piece !== undefined) return controller.enqueue(new TextEncoder().encode(piece));
      if (then === "end") controller.close();
      if (then === "fail") controller.error(new Error("reset"));
      return then === "wait" ? new Promise<void>(() => {}) : undefined;
    },
  });
}

describe("webhookHandler", () => {
  it("gives events in order and answers 200", async () => {
    const { handler, events } = handlerWith({});
    const response = await handler(post(JSON.stringify([{ eventId: "1" }, { eventId: "2" }])));
    expect([response.status, await response.text()]).toEqual([200, "ok\n"]);
    expect(events.map(({ eventId }) => eventId)).toEqual(["1", "2"]);
  });

  it("answers a look at the URL, and no other method than POST", async () => {
    const { handler, events } = handlerWith({});
    expect((await handler(post(null, {}, "GET"))).status).toBe(200);
    expect((await handler(post(null, {}, "HEAD"))).status).toBe(200);
    const refused = await handler(post("[]", {}, "PUT"));
    expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
    expect(events).toEqual([]);
  });

  it("is not made with nothing to verify by, unless told to be insecure", () => {
    const options = { onEvent: () => {} };
    expect(() => webhookHandler(SPEC, options)).toThrow(ConfigurationError);
    expect(() => webhookHandler({ ...SPEC, verifiedBy: "signingKey" }, options)).toThrow(
      "pass signingKey or basicAuth, or insecure: true",
    );
    expect(webhookHandler(SPEC, { ...options, basicAuth: "a:b" })).toBeTypeOf("function");
  });

  it("checks HTTP basic auth, by any of several secrets", async () => {
    const { handler, events, errors } = handlerWith({
      basicAuth: ["old:one", "new:one"],
      insecure: false,
    });
    const auth = (text: string): Record<string, string> => ({ authorization: `Basic ${btoa(text)}` });
    for (const right of ["old:one", "new:one"])
      expect((await handler(post("[{}]", auth(right)))).status).toBe(200);
    const wrong = [
      {},
      auth("old:two"),
      auth(""),
      { authorization: "Basic %%%" },
      { authorization: "Bearer old:one" },
    ];
    for (const headers of wrong) expect((await handler(post("[{}]", headers))).status).toBe(400);
    expect(events).toHaveLength(2);
    expect(errors.every((error) => error instanceof WebhookSignatureError)).toBe(true);
    expect(errors).toHaveLength(wrong.length);
  });

  it("refuses a body that is too large, also one that does not end", async () => {
    const { handler } = handlerWith({ maxBodyBytes: 10, timeout: 50 });
    const mega = "x".repeat(1_000_000);
    const endless = new Array<string>(100).fill(mega);
    expect((await handler(post(stream(endless, "wait")))).status).toBe(413);
    expect((await handler(post("[1,2,3,4,5,6]"))).status).toBe(413);
    expect((await handler(post(stream(["[1,2,3", ",4,5,6]"], "wait")))).status).toBe(413);
    expect((await handler(post("[]", { "content-length": "11" }))).status).toBe(413);
    expect((await handler(post(stream(["[", "{}", "]"], "end")))).status).toBe(200);
  });

  it("refuses a body that does not come, or breaks off", async () => {
    const { handler, errors } = handlerWith({ timeout: 20 });
    expect((await handler(post(stream(["["], "wait")))).status).toBe(408);
    expect((await handler(post(stream(["["], "fail")))).status).toBe(400);
    expect(errors.map((error) => (error as WebhookRequestError).status)).toEqual([408, 400]);
  });

  it("says what to do when the body was read before", async () => {
    const { handler } = handlerWith({});
    const request = post("[]");
    await request.text();
    const response = await handler(request);
    expect([response.status, await response.text()]).toEqual([
      500,
      "the body was read before; give the handler the request as it came\n",
    ]);
  });

  it("answers 500 when an event is not handled, and still gives the others", async () => {
    const seen: unknown[] = [];
    const { handler, errors } = handlerWith({
      onEvent: ({ eventId }) => {
        seen.push(eventId);
        if (eventId === "1") throw new Error("database of secrets is down");
      },
    });
    const response = await handler(post('[{"eventId":"1"},{"eventId":"2"}]'));
    expect([response.status, await response.text()]).toEqual([500, "an event was not handled\n"]);
    expect(seen).toEqual(["1", "2"]);
    expect(errors).toEqual([new Error("database of secrets is down")]);
  });

  it("does not crash by what onError throws", async () => {
    const { handler } = handlerWith({
      onError: () => {
        throw new Error("the log is full");
      },
    });
    expect((await handler(post("no json"))).status).toBe(400);
  });

  it("hides what went wrong within", async () => {
    const { handler } = handlerWith(
      {},
      {
        read: () => {
          throw new TypeError("secret");
        },
      },
    );
    const response = await handler(post("[]"));
    expect([response.status, await response.text()]).toEqual([500, "the post could not be handled\n"]);
  });

  it("hands an event out once, and again when handling it failed", async () => {
    let fails = true;
    const store = memoryEventStore();
    const { handler, events } = handlerWith({ store });
    const { handler: failing } = handlerWith({
      store,
      onEvent: (event) => {
        if (fails) throw new Error("not now");
        events.push(event);
      },
    });
    const body = '[{"eventId":"e","eventType":"delivered","recipient":"a@example.org"}]';
    expect((await failing(post(body))).status).toBe(500);
    fails = false;
    expect((await failing(post(body))).status).toBe(200);
    expect((await handler(post(body))).status).toBe(200);
    expect(events).toHaveLength(1);
    // One id may stand for several recipients, and several things that happen.
    await handler(post('[{"eventId":"e","eventType":"delivered","recipient":"b@example.org"}]'));
    await handler(post('[{"eventId":"e","eventType":"opened","recipient":"a@example.org"}]'));
    // Without an id, events are told apart by what was posted.
    const bare = '[{"eventType":"opened","recipient":"a@example.org"},{"eventType":"opened"}]';
    expect((await handler(post(bare))).status).toBe(200);
    expect((await handler(post(bare))).status).toBe(200);
    expect(events).toHaveLength(5);
  });

  it("asks for an event again that somebody else is handling, and takes it over when the lease ends", async () => {
    let now = 0;
    const store = memoryEventStore({ lease: 1000, clock: { now: () => now } });
    let finish = (): void => {};
    const { handler: slow } = handlerWith({
      store,
      onEvent: () => new Promise<void>((done) => (finish = done)),
    });
    const { handler, events } = handlerWith({ store });
    const body = '[{"eventId":"e"}]';
    const first = slow(post(body));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const busy = await handler(post(body));
    expect([busy.status, busy.headers.get("retry-after"), events]).toEqual([503, "10", []]);
    // As when the process died.
    now = 1000;
    expect((await handler(post(body))).status).toBe(200);
    expect(events).toHaveLength(1);
    finish();
    expect((await first).status).toBe(200);
    expect((await handler(post(body))).status).toBe(200);
    expect(events).toHaveLength(1);
  });

  it("lets one of several posts at once handle an event", async () => {
    const claims = new Map<string, "busy" | "done">();
    const store: EventStore = {
      claim: async (key) => {
        const claim = claims.get(key) ?? "new";
        if (claim === "new") claims.set(key, "busy");
        await Promise.resolve();
        return claim;
      },
      complete: (key) => void claims.set(key, "done"),
      release: (key) => void claims.delete(key),
    };
    const { handler, events } = handlerWith({ store });
    const answers = await Promise.all([1, 2, 3].map(() => handler(post('[{"eventId":"e"}]'))));
    // The others are told to come again, since the first may still fail.
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 503, 503]);
    expect((await handler(post('[{"eventId":"e"}]'))).status).toBe(200);
    expect(events).toHaveLength(1);
  });

  it("takes no more posts at once than it may", async () => {
    let finish = (): void => {};
    const gate = new Promise<void>((done) => (finish = done));
    const { handler, events } = handlerWith({ maxConcurrent: 2, onEvent: () => gate });
    const running = [handler(post("[{}]")), handler(post("[{}]"))];
    const refused = await handler(post("[{}]"));
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "10"]);
    finish();
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await handler(post("[{}]"))).status).toBe(200);
    expect(events).toEqual([]);
  });

  it("answers a signature that does not match with the status that the provider keeps the post for", async () => {
    const verify = () => {
      throw new WebhookSignatureError("Test: no", { provider: "Test" });
    };
    const status = async (spec: object) => (await handlerWith({}, spec).handler(post("[]"))).status;
    expect([await status({ verify }), await status({ verify, signatureStatus: 503 })]).toEqual([400, 503]);
  });

  it("unpacks gzip and deflate within the limit", async () => {
    const pack = async (text: string, format: CompressionFormat): Promise<ArrayBuffer> =>
      new Response(new Blob([text]).stream().pipeThrough(new CompressionStream(format))).arrayBuffer();
    const { handler, events } = handlerWith({});
    const send = async (body: ArrayBuffer | string, encoding: string) =>
      (await handler(post(body, { "content-encoding": encoding }))).status;
    expect(await send(await pack('[{"eventId":"1"}]', "gzip"), "gzip")).toBe(200);
    expect(await send(await pack('[{"eventId":"2"}]', "deflate"), "Deflate")).toBe(200);
    // A proxy may have unpacked it and left the header.
    expect(await send('[{"eventId":"3"}]', "gzip")).toBe(200);
    expect(events.map(({ eventId }) => eventId)).toEqual(["1", "2", "3"]);
    // A bomb: 1 GB would be 1 MB on the wire.
    expect(await send(await pack(" ".repeat(5_000_000), "gzip"), "gzip")).toBe(413);
    expect(await send((await pack("[]", "gzip")).slice(0, 15), "gzip")).toBe(400);
    expect(await send("[]", "br")).toBe(415);
  });

  it("keeps whole numbers beyond 2^53 exact, and strings as they are", async () => {
    const { handler, events } = handlerWith({});
    const text = '4323372036854775807, -4323372036854775807] \\" 4323372036854775807';
    const body = `[{"eventId":4323372036854775807,"description":"${text}"},{"eventId":-9007199254740993},{"eventId":9007199254740991},
      {"raw":[0.12345678901234567,123456789012345678e-17,4323372036854775807 ]}]`;
    expect((await handler(post(body))).status).toBe(200);
    expect(events.map(({ eventId }) => eventId)).toEqual([
      "4323372036854775807",
      "-9007199254740993",
      9007199254740991,
      null,
    ]);
    expect(events[0]?.description).toBe(JSON.parse(`"${text}"`));
    expect((events.at(-1) as { raw: { raw: unknown } }).raw.raw).toEqual([
      Number("0.12345678901234567"),
      1.2345678901234567,
      "4323372036854775807",
    ]);
  });
});

describe("memoryEventStore", () => {
  it("forgets the oldest first", () => {
    const store = memoryEventStore({ max: 2 });
    expect(["a", "b", "a", "c", "a"].map((key) => store.claim(key))).toEqual([
      "new",
      "new",
      "busy",
      "new",
      "new",
    ]);
  });
});

describe("forms", () => {
  const read = (spec: {
    form(): { fields: readonly { name: string; filename: string | null; bytes: Uint8Array }[] };
  }) =>
    spec
      .form()
      .fields.map(({ name, filename, bytes }) =>
        trackingEvent("Test", [name, filename, new TextDecoder().decode(bytes)], {}),
      );
  const parse = async (body: string, type: string, options: Partial<WebhookOptions<TrackingEvent>> = {}) => {
    const { handler, events } = handlerWith(options, { read });
    const response = await handler(post(body, { "content-type": type }));
    return [response.status, ...events.map(({ raw }) => raw)];
  };
  const part = (headers: string, content: string): string => `--x\r\n${headers}\r\n\r\n${content}\r\n`;

  it("reads parts as bytes, whatever is in them", async () => {
    const body =
      "preamble\r\n" +
      part('Content-Disposition: form-data; name="a"', "1\r\n--xy\r\n2 --x 3") +
      part(
        'content-disposition: form-data;\r\n name=f; filename="q\\"uo%22te.txt"\r\nContent-Type: text/plain',
        "",
      ) +
      "--x--\r\nepilogue";
    expect(await parse(body, "multipart/form-data; boundary=x")).toEqual([
      200,
      ["a", null, "1\r\n--xy\r\n2 --x 3"],
      ["f", 'q"uo"te.txt', ""],
    ]);
  });

  it("reads urlencoded forms", async () => {
    expect(await parse("a=1+2&a=%C3%A9", "application/x-www-form-urlencoded")).toEqual([
      200,
      ["a", null, "1 2"],
      ["a", null, "é"],
    ]);
  });

  it("keeps the bytes of urlencoded forms, and reads no more parts than allowed", async () => {
    const { handler, events } = handlerWith(
      {},
      {
        read: (form: Parameters<typeof read>[0]) =>
          form.form().fields.map(({ bytes }) => trackingEvent("Test", [...bytes], {})),
      },
    );
    await handler(post("a=caf%e9&&=&b=%zz+%4", { "content-type": "application/x-www-form-urlencoded" }));
    expect(
      events.map(({ raw }) => new TextDecoder("latin1").decode(new Uint8Array(raw as number[]))),
    ).toEqual(["caf\u00e9", "%zz %4"]);
    const many = "a&".repeat(400);
    expect(await parse(many, "application/x-www-form-urlencoded", { maxParts: 100 })).toEqual([413]);
  });

  it("takes files without a name, or with one of RFC 2231 or of Windows, for files", async () => {
    const body =
      part("Content-Disposition: form-data; name=\"a\"; filename*=utf-8''na%C3%AFve.pdf", "1") +
      part('Content-Disposition: form-data; name="b"\r\nContent-Type: message/rfc822', "2") +
      part('Content-Disposition: form-data; name="c"; filename="C:\\temp\\"', "3") +
      part('Content-Disposition: form-data; name="d"; filename=""', "4") +
      part('Content-Disposition: form-data; name="e"\r\nContent-Type: text/plain; charset=utf-8', "5") +
      "--x--";
    expect(await parse(body, "multipart/form-data; boundary=x")).toEqual([
      200,
      ["a", "naïve.pdf", "1"],
      ["b", "", "2"],
      ["c", "C:\\temp\\", "3"],
      ["d", "", "4"],
      ["e", null, "5"],
    ]);
  });

  it("refuses what is no form, is cut off, or has too many parts", async () => {
    const whole = `${part('Content-Disposition: form-data; name="a"', "1")}--x--`;
    const multipart = "multipart/form-data; boundary=x";
    expect(await parse("{}", "application/json")).toEqual([415]);
    expect(await parse(whole, "multipart/form-data")).toEqual([400]);
    expect(await parse(whole, "multipart/form-data; boundary=other")).toEqual([400]);
    // RFC 2046 allows 70 characters.
    const long = "x".repeat(71);
    expect(
      await parse(whole.replaceAll("--x", `--${long}`), `multipart/form-data; boundary=${long}`),
    ).toEqual([400]);
    expect(await parse(whole.slice(0, -5), multipart)).toEqual([400]);
    expect(await parse(`--x\r\n${"a".repeat(20)}`, multipart)).toEqual([400]);
    expect(await parse(`${part("a: b", "1").repeat(3)}--x--`, multipart, { maxParts: 2 })).toEqual([413]);
    expect(await parse("a=1&b=2&c=3", "application/x-www-form-urlencoded", { maxParts: 2 })).toEqual([413]);
  });
});

describe("resolveWebhookOptions", () => {
  const resolve = (options: object) =>
    resolveWebhookOptions("Test", "TEST", { signingKey: "secrets" }, options);

  it("names the option at fault, and what to do", () => {
    const onEvent = () => {};
    expect(() => resolve({})).toThrow('option "onEvent" is required');
    expect(() => resolve({ onEvent, signingkey: "x" })).toThrow(
      'unknown option "signingkey". Did you mean "signingKey"?',
    );
    expect(() => resolve({ onEvent, signingKey: [] })).toThrow('option "signingKey"');
    expect(() => resolve({ onEvent, signingKey: ["a", ""] })).toThrow('option "signingKey"');
    expect(() => resolve({ onEvent, basicAuth: "no-colon" })).toThrow('"user:password"');
    expect(() => resolve({ onEvent, maxBodyBytes: 0 })).toThrow(
      'option "maxBodyBytes" must be a number above zero',
    );
    expect(() => resolve({ onEvent, store: { claim: () => true } })).toThrow("claim, complete and release");
    expect(() => resolve({ onEvent, nothing: 1 })).toThrow("Valid options: onEvent,");
  });

  it("reads the environment", () => {
    process.env["TEST_SIGNING_KEY"] = "made-up";
    expect(resolve({ onEvent: () => {} })).toMatchObject({ signingKey: "made-up" });
    delete process.env["TEST_SIGNING_KEY"];
  });
});
