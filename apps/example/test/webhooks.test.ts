import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Running, run } from "./running.js";

let example: Running;
beforeEach(async () => {
  example = await run();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await example.close();
});
const LETTER = {
  from: "Grace <grace@example.org>",
  to: "help@example.com",
  subject: "Grüße <script>alert(1)</script>",
  text: "Hello",
};

describe("webhooks over HTTP", () => {
  it("are heard from both providers", async () => {
    const html = '<a href="https://example.com/x">x</a>';
    for (const provider of ["mandrill", "mailgun"] as const) {
      expect(await example.send(provider, { html, subject: "Hi" })).toBe(200);
      expect((await example.fakes[provider].receiveMail(LETTER)).taken).toBe(true);
    }
    const told = [
      ["delivered", "b@example.org"],
      ["opened", "b@example.org"],
      ["clicked", "b@example.org"],
      ["inbound", "grace@example.org"],
    ];
    expect(example.activity.of("event").map(({ cells }) => cells.slice(0, 3))).toEqual([
      ["Mandrill", "sent", "b@example.org"],
      ...told.map((cells) => ["Mandrill", ...cells]),
      ...told.map((cells) => ["Mailgun", ...cells]),
    ]);
    const page = await (await fetch(example.url)).text();
    expect(page).toContain("Grüße &lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page.match(/<script/g)).toHaveLength(1);
  });

  it("read the same mail out of parts, out of MIME, and out of Mandrill's event", async () => {
    const files = [{ filename: "naïve.txt", contentType: "text/plain", content: "x" }];
    const { mandrill, mailgun } = example.fakes;
    await mandrill.receiveMail({ ...LETTER, files });
    await mailgun.receiveMail({ ...LETTER, files });
    mailgun.setWebhooks({ inbound: `${example.url}/webhooks/mailgun/inbound/mime` });
    await mailgun.receiveMail({ ...LETTER, files });
    const cells = ["inbound", "grace@example.org", `${LETTER.subject}, naïve.txt`];
    expect(example.activity.of("event").map((entry) => entry.cells)).toEqual([
      ["Mandrill", ...cells],
      ["Mailgun", ...cells],
      ["Mailgun", ...cells],
    ]);
  });

  it("tell of a mail that came back", async () => {
    for (const provider of ["mandrill", "mailgun"] as const) {
      await example.send(provider, { to: ["c@bounce.example"] });
      await example.fakes[provider].settled();
    }
    expect(example.activity.of("event").map(({ cells }) => cells)).toEqual([
      ["Mandrill", "bounced", "c@bounce.example", "550 5.1.1 no such mailbox"],
      ["Mailgun", "bounced", "c@bounce.example", "550 5.1.1 no such mailbox"],
    ]);
  });

  it("are refused when the signature does not fit", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const body = new URLSearchParams({ mandrill_events: '[{"event":"open"}]' });
    const init = { method: "POST", body, headers: { "x-mandrill-signature": "bm8=" } };
    expect((await fetch(`${example.url}/webhooks/mandrill/tracking`, init)).status).toBe(400);
    expect(example.activity.of("event")).toEqual([]);
    expect(logged).toHaveBeenCalledOnce();
  });
});

describe("live updates", () => {
  /** The first `count` events of a stream. */
  async function follow(
    path: string,
    count: number,
    headers: Record<string, string> = {},
  ): Promise<string[]> {
    const ended = new AbortController();
    const response = await fetch(`${example.url}${path}`, { headers, signal: ended.signal });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    let text = "";
    const events = (): string[] => text.split("\n\n").filter((event) => event.startsWith("event:"));
    for await (const chunk of response.body ?? []) {
      text += new TextDecoder().decode(chunk);
      if (events().length >= count) break;
    }
    ended.abort();
    return events();
  }

  it("come as they happen, each once, escaped", async () => {
    const following = follow("/events?after=0", 2);
    example.activity.add("event", ["Mailgun", "inbound", "x@example.org", "<b>\n\nevent: mail"]);
    example.activity.add("mail", ["a", "b", "c", "sent", "e", "f"]);
    const [first, second] = await following;
    expect(first).toContain("event: event");
    expect(first).toContain("&lt;b&gt;");
    expect(first).toContain("\nid: 1");
    expect(second).toContain("event: mail");
  });

  it("go on where the browser left off", async () => {
    for (const cell of ["one", "two", "three"]) example.activity.add("event", [cell]);
    const [event] = await follow("/events?after=0", 1, { "last-event-id": "2" });
    expect(event).toContain("three");
  });

  it("are for a bounded number of pages", async () => {
    const ended = new AbortController();
    const open = await Promise.all(
      Array.from({ length: 100 }, () => fetch(`${example.url}/events`, { signal: ended.signal })),
    );
    expect(open.every(({ status }) => status === 200)).toBe(true);
    expect((await fetch(`${example.url}/events`)).status).toBe(503);
    ended.abort();
    await vi.waitFor(async () => {
      const again = new AbortController();
      expect((await fetch(`${example.url}/events`, { signal: again.signal })).status).toBe(200);
      again.abort();
    });
  });
});
