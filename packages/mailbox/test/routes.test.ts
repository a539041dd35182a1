import { gzipSync } from "node:zlib";
import { script, style } from "virtual:mailbox-page";
import type { TrackingEvent } from "@posthorn/core/webhooks";
import { trackingWebhook as mailgunWebhook } from "@posthorn/mailgun/webhooks";
import { trackingWebhook as postmarkWebhook } from "@posthorn/postmark/webhooks";
import { trackingWebhook as resendWebhook } from "@posthorn/resend/webhooks";
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import { mailgunEvents, postmarkEvents, resendEvents, type WebhookFormat } from "../src/index.js";
import { ask, HELLO, memoryMailbox, newestId } from "./messages.js";

const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** One request for each route, with what it needs. */
function everyRoute(id: string): readonly [method: string, path: string, json?: unknown][] {
  return [
    ["GET", "/"],
    ["GET", "/page.js"],
    ["GET", "/page.css"],
    ["GET", "/messages"],
    ["GET", "/api/messages"],
    ["POST", "/api/messages", HELLO],
    ["GET", `/api/messages/${id}`],
    ["PATCH", `/api/messages/${id}`, { read: true }],
    ["GET", "/api/info"],
    ["GET", "/api/events"],
    ["GET", `/api/messages/${id}/requests/resend`],
    ["POST", `/api/messages/${id}/events`, { type: "opened", recipient: "grace@example.org" }],
    ["GET", `/messages/${id}/html`],
    ["GET", `/messages/${id}/source.eml`],
    ["GET", `/messages/${id}/attachments/0`],
    ["DELETE", `/api/messages/${id}`],
    ["DELETE", "/api/messages"],
    ["GET", "/none"],
  ];
}

describe("who may ask", () => {
  it("answers on every route to its own host names alone", async () => {
    const mail = memoryMailbox({ hosts: ["mail.test"] });
    await mail.send(HELLO);
    for (const [method, path, json] of everyRoute(await newestId(mail))) {
      for (const host of [
        "evil.example",
        "localhost.evil.example",
        "10.0.0.1:4025",
        "127.0.0.1.evil.example",
        "a b",
      ]) {
        const url = `http://${host.includes(" ") ? "localhost" : host}${path}`;
        const response = await ask(mail, url, { method, json, headers: { host } });
        expect([method, path, host, response.status]).toEqual([method, path, host, 403]);
        // A proxy or a runtime may keep one of the two from the request.
        const hidden = await ask(mail, path, { method, json, headers: { host } });
        expect(hidden.status).toBe(403);
      }
    }
    for (const host of [
      "localhost:4025",
      "127.0.0.1",
      "127.8.8.8:80",
      "[::1]:4025",
      "app.localhost",
      "mail.test:1",
    ])
      expect((await ask(mail, `http://${host}/`, { headers: { host } })).status).toBe(200);
    expect(await mail.listMessages()).toHaveLength(1);
  });

  it("refuses pages of other origins on every route", async () => {
    const mail = memoryMailbox();
    await mail.send(HELLO);
    for (const [method, path, json] of everyRoute(await newestId(mail))) {
      for (const headers of [
        { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
        // Another port of this machine is the same site, and not the same origin.
        { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" },
        { origin: "http://evil.example" },
        { origin: "http://localhost:3000" },
        { origin: "null" },
      ] as Record<string, string>[]) {
        const response = await ask(mail, path, { method, json, headers });
        expect([method, path, headers, response.status]).toEqual([method, path, headers, 403]);
      }
    }
    expect(await mail.listMessages()).toHaveLength(1);
  });

  it("lets the page be opened from elsewhere, and nothing else", async () => {
    const mail = memoryMailbox();
    await mail.send(HELLO);
    const id = await newestId(mail);
    const headers = {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    };
    expect((await ask(mail, "/", { headers })).status).toBe(200);
    for (const path of [`/messages/${id}/html`, `/messages/${id}/source.eml`, "/api/messages"])
      expect((await ask(mail, path, { headers })).status).toBe(403);
    const typed = { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" };
    expect((await ask(mail, `/messages/${id}/html`, { headers: typed })).status).toBe(200);
    expect((await ask(mail, "/api/messages", { method: "DELETE", headers: typed })).status).toBe(403);
  });

  it("takes changes as JSON alone, which a form of another site cannot post", async () => {
    const mail = memoryMailbox();
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=a",
      "application/jsonx",
    ]) {
      const response = await ask(mail, "/api/messages", {
        method: "POST",
        json: HELLO,
        headers: { "content-type": type },
      });
      expect(response.status).toBe(415);
    }
    expect(await mail.listMessages()).toEqual([]);
  });

  it("asks authorize about every request", async () => {
    const asked: string[] = [];
    const mail = memoryMailbox({
      authorize: (request) => {
        asked.push(new URL(request.url).pathname);
        return request.headers.get("authorization") === "yes";
      },
    });
    await mail.send(HELLO);
    const routes = everyRoute(await newestId(mail));
    for (const [method, path, json] of routes)
      expect((await ask(mail, path, { method, json })).status).toBe(403);
    expect(asked).toHaveLength(routes.length);
    expect((await ask(mail, "/", { headers: { authorization: "yes" } })).status).toBe(200);
  });

  it("changes nothing by GET", async () => {
    const mail = memoryMailbox();
    await mail.send(HELLO);
    const before = JSON.stringify(await mail.listMessages());
    for (const [method, path] of everyRoute(await newestId(mail))) {
      if (method !== "GET") continue;
      await (await ask(mail, path)).body?.cancel();
      expect((await ask(mail, path, { method: "HEAD" })).body).toBeNull();
    }
    expect(JSON.stringify(await mail.listMessages())).toBe(before);
  });
});

describe("the API", () => {
  it("lists for end-to-end tests", async () => {
    const mail = memoryMailbox();
    await mail.send(HELLO);
    await mail.send({
      ...HELLO,
      to: ["alan@example.org"],
      subject: "Other",
      tags: ["t"],
      text: "x ".repeat(300),
    });
    const list = await (await ask(mail, "/messages?to=alan@example.org")).json();
    expect(list).toMatchObject({
      total: 1,
      unread: 2,
      messages: [{ subject: "Other", tags: ["t"], read: false }],
    });
    expect(list.messages[0].snippet.length).toBeLessThanOrEqual(140);
    const all = await (await ask(mail, "/api/messages?limit=1")).json();
    expect(all.messages.map(({ subject }: { subject: string }) => subject)).toEqual(["Other"]);
    const next = await (await ask(mail, `/api/messages?limit=1&before=${all.messages[0].id}`)).json();
    expect(next.messages.map(({ subject }: { subject: string }) => subject)).toEqual(["Hello"]);
    expect((await (await ask(mail, "/api/messages?q=nothing+such")).json()).total).toBe(0);
  });

  it("takes messages, and says what is wrong with one", async () => {
    const mail = memoryMailbox();
    const response = await ask(mail, "/api/messages", { method: "POST", json: HELLO });
    expect(response.status).toBe(201);
    const { id, recipients } = await response.json();
    expect(recipients).toEqual({
      "grace@example.org": { status: "sent", messageId: `<${id}@mailbox.localhost>` },
    });
    const bad = await ask(mail, "/api/messages", { method: "POST", json: { ...HELLO, to: [] } });
    expect([bad.status, (await bad.json()).field]).toEqual([422, "to"]);
    for (const body of ["", "{", "null", "5"]) {
      const headers = { "content-type": "application/json" };
      expect((await ask(mail, "/api/messages", { method: "POST", body, headers })).status).toBe(400);
    }
  });

  it("marks as read, and deletes", async () => {
    const mail = memoryMailbox();
    await mail.send(HELLO);
    const id = await newestId(mail);
    expect(
      await (await ask(mail, `/api/messages/${id}`, { method: "PATCH", json: { read: true } })).json(),
    ).toMatchObject({ read: true });
    expect((await ask(mail, `/api/messages/${id}`, { method: "PATCH", json: { read: 1 } })).status).toBe(422);
    expect((await ask(mail, `/api/messages/${id}`, { method: "DELETE" })).status).toBe(204);
    for (const method of ["GET", "DELETE"])
      expect((await ask(mail, `/api/messages/${id}`, { method })).status).toBe(404);
    const wrong = await ask(mail, "/api/info", { method: "DELETE" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET"]);
  });

  it("is found wherever it is mounted, and only there where that is said", async () => {
    const anywhere = memoryMailbox();
    const at = memoryMailbox({ basePath: "/dev/mail/" });
    await at.send(HELLO);
    await anywhere.send(HELLO);
    for (const mail of [anywhere, at]) {
      const id = await newestId(mail);
      for (const path of ["/", "/page.js", "/api/messages", `/messages/${id}/html`])
        expect((await ask(mail, `/dev/mail${path}`)).status).toBe(200);
      const redirect = await ask(mail, "/dev/mail");
      expect([redirect.status, redirect.headers.get("location")]).toEqual([308, "/dev/mail/"]);
    }
    for (const path of ["/", "/api/messages", "/dev/mail/x/api/messages", "/dev/mailapi/messages"])
      expect((await ask(at, path)).status).toBe(404);
  });

  it("streams changes, with an id alone", async () => {
    const mail = memoryMailbox();
    const response = await ask(mail, "/api/events");
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = (response.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream() as never)
      .getReader() as ReadableStreamDefaultReader<string>;
    expect((await reader.read()).value).toContain("event: ready");
    await mail.send(HELLO);
    const id = await newestId(mail);
    expect((await reader.read()).value).toBe(`event: change\ndata: {"id":"${id}"}\n\n`);
    await reader.cancel();
  });
});

describe("what a message becomes", () => {
  it("is a document that may do nothing", async () => {
    const mail = memoryMailbox();
    await mail.send({ ...HELLO, html: "<!doctype html><p>Hi" });
    const path = `/messages/${await newestId(mail)}/html`;
    const response = await ask(mail, path);
    expect(await response.text()).toBe('<!doctype html><base target="_blank"><p>Hi');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-security-policy":
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
        "font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "x-dns-prefetch-control": "off",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-store",
    });
    const remote = (await ask(mail, `${path}?remote=1`)).headers.get("content-security-policy");
    expect(remote).toContain("img-src data: http: https:");
    expect(remote).toContain("default-src 'none'");
    expect(remote).not.toContain("script");
  });

  it("shows inline images, the scheme that was asked for, and a recipient's values", async () => {
    const mail = memoryMailbox();
    await mail.send({
      ...HELLO,
      subject: "Hi {{name}}",
      html:
        `<style>@media ( prefers-color-scheme:dark ){p{color:red}}@media (prefers-color-scheme: light){p{color:blue}}</style>` +
        `<img src="cid:a%40b"><p style="background:url(cid:a@b)">cid:a@b {{ name }} {{{raw}}} *|NAME|* %recipient.name% {{other}} <img src="cid:none">`,
      mergeData: { "grace@example.org": { name: "<Grace>", raw: "<b>" } },
      attachments: [
        { filename: "a.png", content: PNG, encoding: "base64", contentType: "image/png", contentId: "a@b" },
        { filename: "b.html", content: "<script>", contentType: "text/html", contentId: "none" },
      ],
    });
    const path = `/messages/${await newestId(mail)}/html`;
    const light = await (await ask(mail, path)).text();
    expect(light).toContain("@media (max-width: 0){p{color:red}}@media (min-width: 0){p{color:blue}}");
    expect(light.split(`data:image/png;base64,${PNG}`)).toHaveLength(3);
    expect(light).toContain(">cid:a@b {{ name }} {{{raw}}}");
    expect(light).toContain('<img src="cid:none">');
    const dark = await (await ask(mail, `${path}?scheme=dark&invert=1&recipient=grace@example.org`)).text();
    expect(dark).toContain("@media (min-width: 0){p{color:red}}");
    expect(dark).toContain("filter:invert(1)");
    expect(dark).toContain("&#60;Grace&#62; <b> &#60;Grace&#62; &#60;Grace&#62; {{other}}");
  });

  it("is a file that a mail program reads back", async () => {
    const mail = memoryMailbox();
    await mail.send({
      ...HELLO,
      subject: "Grüße",
      bcc: ["Blind <bcc@example.org>"],
      headers: { "X-Order": 7 },
      attachments: [
        { filename: "a.png", content: PNG, encoding: "base64", contentType: "image/png", contentId: "a@b" },
        { filename: "größe.txt", content: "x".repeat(400_000) },
      ],
    });
    const response = await ask(mail, `/messages/${await newestId(mail)}/source.eml`);
    expect(response.headers.get("content-disposition")).toBe(
      `attachment; filename="Gr_e.eml"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.eml`,
    );
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    const parsed = await PostalMime.parse(await response.arrayBuffer());
    expect(parsed).toMatchObject({
      subject: "Grüße",
      from: { address: "ada@example.com", name: "Ada" },
      bcc: [{ address: "bcc@example.org", name: "Blind" }],
      text: "Hi Grace",
      html: "<p>Hi Grace</p>",
    });
    expect(parsed.date).toBeDefined();
    expect(parsed.headers.find(({ key }) => key === "x-order")?.value).toBe("7");
    expect(parsed.attachments.map(({ filename }) => filename)).toEqual(["a.png", "größe.txt"]);
    expect(parsed.attachments[1]?.content).toHaveProperty("byteLength", 400_000);
  });

  it("never has its attachments opened as pages", async () => {
    const mail = memoryMailbox();
    const attachments = [
      {
        filename: '"><script>\r\n"é.html'.replace("\r\n", ""),
        content: "<script>alert(1)</script>",
        contentType: "text/html",
      },
      { filename: "a.svg", content: "<svg onload=alert(1)>", contentType: "image/svg+xml" },
    ];
    await mail.send({ ...HELLO, attachments });
    const id = await newestId(mail);
    for (const [index, { content }] of attachments.entries()) {
      const response = await ask(mail, `/messages/${id}/attachments/${index}`);
      expect(await response.text()).toBe(content);
      expect(response.headers.get("content-type")).toBe("application/octet-stream");
      expect(response.headers.get("content-disposition")).toMatch(
        /^attachment; filename="[\w.]+"; filename\*=UTF-8''[\w.%-]+$/,
      );
      expect(response.headers.get("content-security-policy")).toContain("sandbox");
    }
    expect((await ask(mail, `/messages/${id}/attachments/2`)).status).toBe(404);
  });
});

describe("events", () => {
  const signingKey = `whsec_${btoa("made-up secret")}`;
  type Receive = (onEvent: (event: TrackingEvent) => void) => (request: Request) => Promise<Response>;
  const cases: readonly [string, WebhookFormat, Receive, readonly string[]][] = [
    [
      "Resend",
      resendEvents({ signingKey }),
      (onEvent) => resendWebhook({ signingKey, onEvent }),
      ["unsubscribed"],
    ],
    [
      "Mailgun",
      mailgunEvents({ signingKey: "made-up" }),
      (onEvent) => mailgunWebhook({ signingKey: "made-up", onEvent }),
      [],
    ],
    [
      "Postmark",
      postmarkEvents({ basicAuth: "user:made-up" }),
      (onEvent) => postmarkWebhook({ basicAuth: "user:made-up", onEvent }),
      [],
    ],
  ];

  it.each(cases)(
    "are those of %s, which its own handler verifies and reads",
    async (_, format, receive, missing) => {
      const seen: TrackingEvent[] = [];
      const handler = receive((event) => void seen.push(event));
      const mail = memoryMailbox({
        webhooks: {
          tracking: "http://localhost:3000/hook",
          format,
          fetch: async (input, init) => handler(new Request(input as string, init)),
        },
      });
      const sent = await mail.send({ ...HELLO, tags: ["welcome"], metadata: { userId: "42" } });
      const id = await newestId(mail);
      const { events } = await (await ask(mail, "/api/info")).json();
      for (const type of events) {
        const json = { type, recipient: "grace@example.org", url: "https://example.com/?a=1" };
        const posted = await (await ask(mail, `/api/messages/${id}/events`, { method: "POST", json })).json();
        if (missing.includes(type)) {
          expect(posted).toMatchObject({ type, status: null });
          continue;
        }
        expect(posted).toMatchObject({ type, status: 200 });
        expect(seen.at(-1)).toMatchObject({
          eventType: type,
          recipient: "grace@example.org",
          messageId: sent.messageId,
        });
        expect(seen.at(-1)?.tags).toEqual(["welcome"]);
        expect(seen.at(-1)?.metadata).toEqual({ userId: "42" });
        if (type === "clicked") expect(seen.at(-1)?.clickUrl).toBe("https://example.com/?a=1");
      }
      const stored = await (await ask(mail, `/api/messages/${id}`)).json();
      expect(stored.events).toHaveLength(events.length);
    },
  );

  it("go where they were told to go alone", async () => {
    const asked: [string, RequestInit | undefined][] = [];
    const mail = memoryMailbox({
      webhooks: {
        tracking: "http://127.0.0.1:3000/hook",
        format: postmarkEvents(),
        fetch: async (input, init) => {
          asked.push([String(input), init]);
          return new Response(null, { status: 302, headers: { location: "http://10.0.0.1/" } });
        },
      },
    });
    await mail.send(HELLO);
    const id = await newestId(mail);
    const json = {
      type: "clicked",
      recipient: "grace@example.org",
      url: "http://10.0.0.1/",
      tracking: "http://10.0.0.1/",
    };
    expect(
      await (await ask(mail, `/api/messages/${id}/events`, { method: "POST", json })).json(),
    ).toMatchObject({ status: 302 });
    expect(asked.map(([url, init]) => [url, init?.redirect])).toEqual([
      ["http://127.0.0.1:3000/hook", "manual"],
    ]);
    for (const bad of [
      { ...json, type: "exploded" },
      { ...json, recipient: "other@example.org" },
      { ...json, type: "constructor" },
    ])
      expect((await ask(mail, `/api/messages/${id}/events`, { method: "POST", json: bad })).status).toBe(422);
    expect(asked).toHaveLength(1);
  });

  it("tell when nothing answers, and when nothing is configured", async () => {
    const webhooks = {
      tracking: "http://127.0.0.1:1/",
      format: postmarkEvents(),
      fetch: () => Promise.reject(new TypeError("refused")),
    };
    const mail = memoryMailbox({ webhooks });
    await mail.send(HELLO);
    const json = { type: "opened", recipient: "grace@example.org" };
    const path = `/api/messages/${await newestId(mail)}/events`;
    expect(await (await ask(mail, path, { method: "POST", json })).json()).toMatchObject({
      status: null,
      response: "no response: refused",
    });
    const without = memoryMailbox();
    await without.send(HELLO);
    const none = await ask(without, `/api/messages/${await newestId(without)}/events`, {
      method: "POST",
      json,
    });
    expect(none.status).toBe(409);
  });
});

it("makes no request for anything that a message names", async () => {
  const original = globalThis.fetch;
  const asked: unknown[] = [];
  globalThis.fetch = (async (input: unknown) => {
    asked.push(input);
    return new Response("");
  }) as typeof fetch;
  try {
    const mail = memoryMailbox();
    const html =
      '<img src="http://127.0.0.1:9/a.png"><link rel="stylesheet" href="http://127.0.0.1:9/a.css"><a href="http://127.0.0.1:9/">x</a>';
    await mail.send({
      ...HELLO,
      html,
      replyTo: ["x@example.org"],
      headers: { "List-Unsubscribe": "<http://127.0.0.1:9/u>" },
    });
    for (const [method, path, json] of everyRoute(await newestId(mail))) {
      if (path !== "/api/events" && method !== "DELETE")
        await (await ask(mail, path, { method, json })).arrayBuffer();
    }
    expect(asked).toEqual([]);
  } finally {
    globalThis.fetch = original;
  }
});

it("has a page of less than 20 KB", async () => {
  const page = await (await ask(memoryMailbox(), "/")).text();
  const sizes = [script, style, page].map((file) => gzipSync(file).length);
  console.log(`page: script ${sizes[0]}, style ${sizes[1]}, document ${sizes[2]} bytes gzipped`);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(20 * 1024);
  expect(page).not.toMatch(/<script>|style=|\son\w+=/);
});
