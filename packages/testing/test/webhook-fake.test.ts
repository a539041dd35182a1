import { createHmac } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import {
  type FaultServer,
  parseForm,
  type SeenRequest,
  startFakeMailgun,
  startFakeMandrill,
  startFaultServer,
  type WebhookFake,
} from "../src/servers/index.js";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of open.splice(0).reverse()) await server.close();
});
function closing<T extends { close(): Promise<void> }>(server: T): T {
  open.push(server);
  return server;
}
const hook = async (): Promise<FaultServer> => closing(await startFaultServer());
const MAIL = {
  from: '"Ada, née Ü" <ada@example.com>',
  to: "help@inbound.example.com",
  subject: "Grüße\r\nBcc: everyone@example.com",
  text: "Hello\n> quoted\n-- \nAda\n",
};

async function sendMandrill(fake: WebhookFake, message: Record<string, unknown>): Promise<number> {
  const body = JSON.stringify({ key: fake.apiKey, message: { from_email: "a@example.com", ...message } });
  return (await fetch(`${fake.apiUrl}/messages/send.json`, { method: "POST", body })).status;
}

async function sendMailgun(fake: WebhookFake, fields: Record<string, string>): Promise<number> {
  const authorization = `Basic ${Buffer.from(`api:${fake.apiKey}`).toString("base64")}`;
  const body = new URLSearchParams({ from: "a@example.com", ...fields });
  const url = `${fake.apiUrl}/example.com/messages`;
  return (await fetch(url, { method: "POST", body, headers: { authorization } })).status;
}

function mandrillEvents(request: SeenRequest | undefined): Record<string, unknown>[] {
  return JSON.parse(new URLSearchParams(request?.body.toString()).get("mandrill_events") ?? "");
}

describe("the webhooks of the fake Mandrill", () => {
  it("posts the events of a mail in one batch, signed with its URL", async () => {
    const [server, fake] = [await hook(), closing(await startFakeMandrill())];
    const tracking = `${server.url}/tracking?a=1`;
    fake.setWebhooks({ tracking });
    const html = '<a href="https://example.com/x">x</a>';
    await sendMandrill(fake, {
      to: [{ email: "b@example.org" }, { email: "c@bounce.example" }, { email: "nowhere" }],
      html,
      tags: ["t"],
      metadata: { a: 1 },
    });
    await fake.settled();
    expect(fake.deliveries).toEqual([{ url: tracking, tries: [200], taken: true }]);
    const [request] = server.requests;
    expect(mandrillEvents(request)).toMatchObject([
      { event: "send", msg: { email: "b@example.org", tags: ["t"], metadata: { a: 1 } } },
      { event: "delivered" },
      { event: "open" },
      { event: "click", url: "https://example.com/x" },
      { event: "hard_bounce", msg: { email: "c@bounce.example", state: "bounced" } },
    ]);
    const json = new URLSearchParams(request?.body.toString()).get("mandrill_events");
    expect(request?.headers["x-mandrill-signature"]).toBe(
      createHmac("sha1", fake.webhookKey).update(`${tracking}mandrill_events${json}`).digest("base64"),
    );
  });

  it("posts a mail that it received, as MIME that no header can be smuggled into", async () => {
    const [server, fake] = [await hook(), closing(await startFakeMandrill())];
    fake.setWebhooks({ inbound: `http://user:p%40ss@127.0.0.1:${server.port}/inbound` });
    const files = [
      { filename: "naïve 'name'.txt", contentType: "text/plain", content: "file" },
      { filename: "dot.png", contentType: "image/png", content: new Uint8Array([1, 2]), contentId: "dot" },
    ];
    expect((await fake.receiveMail({ ...MAIL, html: "<p>Hi", files })).taken).toBe(true);
    const [request] = server.requests;
    expect(request?.headers["authorization"]).toBe(`Basic ${Buffer.from("user:p@ss").toString("base64")}`);
    const [event] = mandrillEvents(request) as [{ msg: { raw_msg: string; sender: string } }];
    expect(event.msg.sender).toBe("ada@example.com");
    const mime = event.msg.raw_msg;
    expect(mime).toMatch(/^[\r\n -~]*$/);
    expect(mime).not.toMatch(/^Bcc:/m);
    expect(mime).toContain("multipart/mixed");
    expect(mime).toContain("filename*=UTF-8''na%C3%AFve%20%27name%27.txt");
    expect(mime).toContain("Content-Id: <dot>");
  });
});

describe("the webhooks of the fake Mailgun", () => {
  it("posts each event by itself, signed, with what the recipient's variables say", async () => {
    const [server, fake] = [await hook(), closing(await startFakeMailgun())];
    fake.setWebhooks({ tracking: server.url });
    await sendMailgun(fake, {
      to: "Bea <b@example.org>",
      html: "<p>Hi",
      "o:tag": "t",
      "v:id": "%recipient.id%",
      "recipient-variables": '{"b@example.org":{"id":7}}',
    });
    await sendMailgun(fake, { to: "c@bounce.example", text: "Hi", "recipient-variables": "{" });
    await fake.settled();
    const posts = server.requests.map(({ body }) => JSON.parse(body.toString()));
    expect(posts.map((post) => post["event-data"])).toMatchObject([
      { event: "delivered", recipient: "b@example.org", tags: ["t"], "user-variables": { id: "7" } },
      { event: "opened", recipient: "b@example.org" },
      { event: "failed", severity: "permanent", recipient: "c@bounce.example" },
    ]);
    const tokens = posts.map(({ signature: { timestamp, token, signature } }) => {
      const expected = createHmac("sha256", fake.webhookKey).update(`${timestamp}${token}`).digest("hex");
      expect(signature).toBe(expected);
      return token;
    });
    expect(new Set(tokens).size).toBe(3);
  });

  it("posts a mail that it received in parts, or whole where the URL asks for that", async () => {
    const [server, fake] = [await hook(), closing(await startFakeMailgun())];
    fake.setWebhooks({ inbound: `${server.url}/inbound` });
    await fake.receiveMail(MAIL);
    const files = [{ filename: "d.png", contentType: "image/png", content: "x", contentId: "dot" }];
    await fake.receiveMail({ ...MAIL, html: "<p>Hi", files });
    fake.setWebhooks({ inbound: `${server.url}/inbound/mime` });
    await fake.receiveMail(MAIL);
    const [parsed, withFile, whole] = server.requests.map((request) => parseForm(request));
    expect(parsed?.get("stripped-text")).toEqual(["Hello"]);
    expect(parsed?.get("sender")).toEqual(["ada@example.com"]);
    expect(withFile?.get("content-id-map")).toEqual(['{"<dot>":"attachment-1"}']);
    expect(withFile?.get("attachment-1")).toMatchObject([{ filename: "d.png", contentType: "image/png" }]);
    expect(String(whole?.get("body-mime"))).toContain("X-Mailgun-Spf: Pass\r\n");
    expect(whole?.has("body-plain")).toBe(false);
  });
});

describe("posts of a fake", () => {
  it("are tried again after a 5xx or a lost connection, the very same post, and no more often than told", async () => {
    const [server, fake] = [await hook(), closing(await startFakeMailgun({ tries: 3, retryDelay: 1 }))];
    fake.setWebhooks({ inbound: server.url });
    server.script({ kind: "answer", status: 503 }, { kind: "reset-after-request" });
    const { tries, taken } = await fake.receiveMail(MAIL);
    expect([tries.length, tries[0], tries[2], taken]).toEqual([3, 503, 200, true]);
    expect(new Set(server.requests.map(({ body }) => body.toString())).size).toBe(1);
    for (let i = 0; i < 4; i++) server.script({ kind: "answer", status: 500 });
    expect(await fake.receiveMail(MAIL)).toMatchObject({ tries: [500, 500, 500], taken: false });
  });

  it("are not tried again after a no, nor taken elsewhere by a redirect", async () => {
    const [server, fake] = [await hook(), closing(await startFakeMailgun())];
    fake.setWebhooks({ inbound: server.url });
    server.script({ kind: "answer", status: 406 });
    expect(await fake.receiveMail(MAIL)).toMatchObject({ tries: [406], taken: false });
    server.script({ kind: "answer", status: 302, headers: { location: server.url } });
    expect((await fake.receiveMail(MAIL)).taken).toBe(false);
    expect(server.requests).toHaveLength(2);
  });

  it("go to loopback alone, and nowhere when none is set", async () => {
    const fake = closing(await startFakeMailgun());
    expect(() => fake.setWebhooks({ tracking: "https://example.com/" })).toThrow("loopback alone");
    expect(() => fake.setWebhooks({ inbound: "http://127.0.0.1.example.com/" })).toThrow("loopback alone");
    await expect(fake.receiveMail(MAIL)).rejects.toThrow("no inbound webhook");
    expect(await sendMailgun(fake, { to: "b@example.org", text: "Hi" })).toBe(200);
    expect(fake.deliveries).toEqual([]);
  });

  it("break off when the fake is closed, and what is in line is dropped", async () => {
    const server = await hook();
    const fake = await startFakeMailgun({ timeout: 60_000 });
    fake.setWebhooks({ inbound: server.url });
    server.script({ kind: "stall-before-headers" });
    const under = fake.receiveMail(MAIL);
    const inLine = fake.receiveMail(MAIL);
    const started = performance.now();
    await fake.close();
    expect(performance.now() - started).toBeLessThan(2000);
    expect((await under).taken).toBe(false);
    expect(await inLine).toMatchObject({ tries: [], taken: false });
  });

  it("wait in a line that has an end", async () => {
    const [server, fake] = [await hook(), await startFakeMailgun()];
    fake.setWebhooks({ inbound: server.url });
    server.decide(() => ({ kind: "stall-before-headers" }));
    const posts = Array.from({ length: 1001 }, () => fake.receiveMail({ ...MAIL, text: "" }));
    expect(await posts[1000]).toMatchObject({ tries: [] });
    await fake.close();
  });
});
