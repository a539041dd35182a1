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
      "give signingKey or basicAuth, or insecure: true",
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
    // Without an id nothing can be told apart.
    await handler(post("[{},{}]"));
    expect(events).toHaveLength(5);
  });

  it("lets one of two posts at once handle an event", async () => {
    const claimed = new Set<string>();
    const store: EventStore = {
      claim: async (key) => {
        if (claimed.has(key)) return false;
        claimed.add(key);
        await Promise.resolve();
        return true;
      },
      release: (key) => void claimed.delete(key),
    };
    const { handler, events } = handlerWith({ store });
    const answers = await Promise.all([1, 2, 3].map(() => handler(post('[{"eventId":"e"}]'))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(events).toHaveLength(1);
  });
});

describe("memoryEventStore", () => {
  it("forgets the oldest first", () => {
    const store = memoryEventStore({ max: 2 });
    expect(["a", "b", "a", "c", "a"].map((key) => store.claim(key))).toEqual([true, true, false, true, true]);
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

  it("refuses what is no form, is cut off, or has too many parts", async () => {
    const whole = `${part('Content-Disposition: form-data; name="a"', "1")}--x--`;
    const multipart = "multipart/form-data; boundary=x";
    expect(await parse("{}", "application/json")).toEqual([415]);
    expect(await parse(whole, "multipart/form-data")).toEqual([400]);
    expect(await parse(whole, "multipart/form-data; boundary=other")).toEqual([400]);
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
    expect(() => resolve({})).toThrow('option "onEvent" is missing');
    expect(() => resolve({ onEvent, signingkey: "x" })).toThrow(
      'unknown option "signingkey"; is "signingKey" meant?',
    );
    expect(() => resolve({ onEvent, signingKey: [] })).toThrow('option "signingKey"');
    expect(() => resolve({ onEvent, signingKey: ["a", ""] })).toThrow('option "signingKey"');
    expect(() => resolve({ onEvent, basicAuth: "no-colon" })).toThrow('"user:password"');
    expect(() => resolve({ onEvent, maxBodyBytes: 0 })).toThrow('option "maxBodyBytes"');
  });

  it("reads the environment", () => {
    process.env["TEST_SIGNING_KEY"] = "made-up";
    expect(resolve({ onEvent: () => {} })).toMatchObject({ signingKey: "made-up" });
    delete process.env["TEST_SIGNING_KEY"];
  });
});
