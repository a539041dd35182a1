import type { InboundAttachment, InboundEvent } from "@posthorn/core/inbound";
import type { WebhookHandler } from "@posthorn/core/webhooks";
import * as mailgun from "@posthorn/mailgun/webhooks";
import * as mailjet from "@posthorn/mailjet/webhooks";
import * as mandrill from "@posthorn/mandrill/webhooks";
import * as postmark from "@posthorn/postmark/webhooks";
import * as sendgrid from "@posthorn/sendgrid/webhooks";
import { describe, expect, it } from "vitest";

/** What every provider's posts go through in core: one input of each kind. */
type Inbound = (options: { insecure: true; onEvent: (event: InboundEvent) => void }) => WebhookHandler;

async function receive(webhook: Inbound, body: BodyInit, type: string) {
  const events: InboundEvent[] = [];
  const handler = webhook({ insecure: true, onEvent: (event) => void events.push(event) });
  const response = await handler(
    new Request("https://hooks.example.com/", { method: "POST", headers: { "content-type": type }, body }),
  );
  return { status: response.status, reason: await response.text(), events, message: events[0]?.message };
}

const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";
const filesOf = async (files: readonly InboundAttachment[] = []): Promise<unknown[]> =>
  Promise.all(
    files.map(async (file) => [
      file.filename,
      file.contentType,
      file.inline,
      await (await file.blob()).text(),
    ]),
  );

describe("addresses of header lists", () => {
  const from = "=?utf-8?Q?boss=40bank=2Eexample=2C?= <mallory@evil.example>";
  const want = { name: "boss@bank.example,", email: "mallory@evil.example" };

  it("are parsed before names are decoded", async () => {
    const headers = new URLSearchParams({
      "message-headers": JSON.stringify([["From", from]]),
      "body-plain": "x",
    });
    const posts = [
      receive(mailgun.inboundWebhook, headers, FORM),
      receive(
        mailjet.inboundWebhook,
        JSON.stringify({ Headers: { From: from }, "Text-part": "x" }),
        JSON_TYPE,
      ),
      receive(postmark.inboundWebhook, JSON.stringify({ Headers: [], From: from, TextBody: "x" }), JSON_TYPE),
      receive(sendgrid.inboundWebhook, new URLSearchParams({ headers: `From: ${from}\n`, text: "x" }), FORM),
    ];
    for (const { message } of await Promise.all(posts)) expect(message?.from).toEqual(want);
  });
});

describe("files", () => {
  it("with a Content-ID that the HTML does not refer to are attachments", async () => {
    const file = {
      Name: "bill.pdf",
      Content: "JVBERg==",
      ContentType: "application/pdf",
      ContentID: "made-up",
    };
    const body = { FromFull: { Email: "a@example.com" }, HtmlBody: "<p>see file</p>", Attachments: [file] };
    const { message } = await receive(postmark.inboundWebhook, JSON.stringify(body), JSON_TYPE);
    expect(await filesOf(message?.attachments)).toEqual([["bill.pdf", "application/pdf", false, "%PDF"]]);
    const shown = { ...body, HtmlBody: '<img src="cid:made-up">' };
    const { message: second } = await receive(postmark.inboundWebhook, JSON.stringify(shown), JSON_TYPE);
    expect(Object.keys(second?.inlines ?? {})).toEqual(["made-up"]);
  });

  it("of forms are kept with any name, or none", async () => {
    const part = (headers: string, content: string): string => `--cut\r\n${headers}\r\n\r\n${content}\r\n`;
    const body =
      part('Content-Disposition: form-data; name="headers"', "From: a@example.com") +
      part(
        "Content-Disposition: form-data; name=\"attachment1\"; filename*=utf-8''pl%C3%A4n.pdf\r\nContent-Type: application/pdf",
        "1",
      ) +
      part('Content-Disposition: form-data; name="attachment2"\r\nContent-Type: message/rfc822', "2") +
      part(
        'Content-Disposition: form-data; name="attachment3"; filename="C:\\temp\\"\r\nContent-Type: application/pdf',
        "3",
      ) +
      part('Content-Disposition: form-data; name="attachment4"', "4") +
      "--cut--\r\n";
    const { message } = await receive(sendgrid.inboundWebhook, body, "multipart/form-data; boundary=cut");
    expect(await filesOf(message?.attachments)).toEqual([
      ["plän.pdf", "application/pdf", false, "1"],
      [null, "message/rfc822", false, "2"],
      [null, "application/pdf", false, "3"],
      [null, "application/octet-stream", false, "4"],
    ]);
  });

  it("have names of RFC 2231, and percent signs stay", async () => {
    const file = (name: string, at: number) => ({
      Headers: { "Content-Type": "application/pdf", "Content-Disposition": `attachment; ${name}` },
      ContentRef: `Attachment${at}`,
    });
    const body = {
      Headers: { From: "a@example.com" },
      Parts: [
        file("filename*=UTF-8''pl%C3%A4n.pdf", 1),
        file("filename*0*=UTF-8''pl%C3; filename*1*=%A4n; filename*2=.pdf", 2),
        file('filename="100%22.pdf"', 3),
        file('filename="=?utf-8?q?pl=C3=A4n.pdf?="', 4),
      ],
      ...Object.fromEntries([1, 2, 3, 4].map((at) => [`Attachment${at}`, "JVBERg=="])),
    };
    const { message } = await receive(mailjet.inboundWebhook, JSON.stringify(body), JSON_TYPE);
    expect(message?.attachments.map(({ filename }) => filename)).toEqual([
      "plän.pdf",
      "plän.pdf",
      "100%22.pdf",
      "plän.pdf",
    ]);
  });

  it("that Mailgun only stores are a configuration error, so that it keeps the message", async () => {
    const form = new URLSearchParams({
      "message-headers": '[["From","a@example.com"]]',
      "body-plain": "see file",
      "message-url": "https://storage.example/made-up",
      attachments: '[{"url":"https://storage.example/made-up/0","name":"bill.pdf"}]',
    });
    const { status, reason, events } = await receive(mailgun.inboundWebhook, form, FORM);
    expect([status, events]).toEqual([500, []]);
    expect(reason).toContain("forward()");
  });
});

it("urlencoded messages keep their bytes", async () => {
  const mime = "Subject: case\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\ncaf";
  const body = `body-mime=${encodeURIComponent(mime)}%e9`;
  const { message } = await receive(mailgun.inboundWebhook, body, FORM);
  expect(message?.text).toBe("café");
});

it("posts without a message are not taken for one", async () => {
  const event = { event: "inbound", ts: 1_764_000_000, msg: { email: "in@example.org" } };
  const body = new URLSearchParams({ mandrill_events: JSON.stringify([event]) });
  const { status, events } = await receive(mandrill.inboundWebhook, body, FORM);
  expect([status, events]).toEqual([500, []]);
  const empty = await receive(
    mailgun.inboundWebhook,
    new URLSearchParams({ timestamp: "1", token: "x" }),
    FORM,
  );
  expect([empty.status, empty.events]).toEqual([500, []]);
});

it("ids beyond 2^53 stay exact", async () => {
  const ids: unknown[] = [];
  const handler = postmark.trackingWebhook({
    insecure: true,
    onEvent: ({ eventId }) => void ids.push(eventId),
  });
  const body = '{"RecordType":"Bounce","ID":4323372036854775807,"Type":"HardBounce","Email":"a@example.com"}';
  await handler(new Request("https://hooks.example.com/", { method: "POST", body }));
  expect(ids).toEqual(["4323372036854775807"]);
});
