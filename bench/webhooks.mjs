import { createHmac, createSign, createVerify, generateKeyPairSync, timingSafeEqual } from "node:crypto";
import { EventWebhook } from "@sendgrid/eventwebhook";
import PostalMime from "postal-mime";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { posthorn } from "./lib/posthorn.mjs";
import { takeTurns } from "./lib/rounds.mjs";
import { showSpread } from "./lib/stats.mjs";
import { table } from "./lib/table.mjs";

export const title = "Webhooks";

const URL = "https://hooks.example.com/mail";
const { inboundFromMime } = await posthorn("core", "inbound");
const seconds = () => Math.floor(Date.now() / 1000);

/**
 * Each case makes one signed post, which all its subjects get as a `Request` of their own. They verify it, read its
 * events and answer; making the request and the answer is in every figure.
 */
const CASES = [resendCase, sendgridCase, mailgunCase];

/** Events per second, verified and read, of Posthorn and of the provider's own verifier; and mail that comes in. */
export async function run({ quick }) {
  const [rounds, ms] = quick ? [3, 100] : [15, 250];
  const tracking = [];
  for (const make of CASES) {
    const { provider, events, request, subjects } = await make();
    const measured = await takeTurns(
      Object.entries(subjects).map(([name, handle]) => ({
        name,
        measure: async () => ({ perSecond: (await rate(() => handle(request()), ms)) * events }),
      })),
      rounds,
    );
    tracking.push({ provider, events, subjects: measured });
  }
  const inbound = [];
  for (const megabytes of [1, 20]) {
    const mime = mail(megabytes * 1024 * 1024);
    const subjects = {
      Posthorn: () => inboundFromMime(mime),
      "postal-mime": () => PostalMime.parse(mime),
    };
    const measured = await takeTurns(
      Object.entries(subjects).map(([name, parse]) => ({
        name,
        measure: async () => ({ perSecond: await rate(parse, ms) }),
      })),
      // One of 20 MB takes seconds.
      Math.min(rounds, 5),
    );
    inbound.push({ megabytes, subjects: measured });
  }
  return { rounds, ms, tracking, inbound };
}

async function rate(task, ms) {
  const start = performance.now();
  let done = 0;
  do {
    await task();
    done++;
  } while (performance.now() - start < ms);
  return (done / (performance.now() - start)) * 1000;
}

/** Resend signs by Svix. */
async function resendCase() {
  const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
  const body = JSON.stringify({
    type: "email.delivered",
    created_at: "2026-11-24T12:00:00.000Z",
    data: {
      email_id: "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794",
      created_at: "2026-11-24T11:59:58.000Z",
      from: "Ada <ada@example.com>",
      to: ["grace@example.org"],
      subject: "Your order has been sent",
      headers: [{ name: "X-Tags", value: '["order"]' }],
    },
  });
  const id = "msg_2b7hY9kQ1";
  const time = seconds();
  const signature = createHmac("sha256", Buffer.alloc(24, 7))
    .update(`${id}.${time}.${body}`)
    .digest("base64");
  const headers = {
    "content-type": "application/json",
    "svix-id": id,
    "svix-timestamp": `${time}`,
    "svix-signature": `v1,${signature}`,
  };
  const { trackingWebhook } = await posthorn("resend", "webhooks");
  return {
    provider: "resend",
    events: 1,
    request: () => new Request(URL, { method: "POST", headers, body }),
    subjects: {
      Posthorn: viaPosthorn(trackingWebhook, { signingKey: secret }, 1),
      svix: byVerifier(new SvixWebhook(secret)),
      standardwebhooks: byVerifier(new StandardWebhook(secret), "webhook"),
    },
  };
}

/** Both verifiers parse the JSON too. */
function byVerifier(verifier, prefix = "svix") {
  return async (request) => {
    const name = (part) => request.headers.get(`svix-${part}`);
    const event = verifier.verify(await request.text(), {
      [`${prefix}-id`]: name("id"),
      [`${prefix}-timestamp`]: name("timestamp"),
      [`${prefix}-signature`]: name("signature"),
    });
    if (event.type !== "email.delivered") throw new Error("not read");
    return new Response("ok");
  };
}

/** SendGrid signs by ECDSA, and posts events in batches. */
async function sendgridCase() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const spki = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const time = `${seconds()}`;
  const events = Array.from({ length: 10 }, (_, index) => ({
    email: `reader${index}@example.org`,
    timestamp: Number(time),
    event: "delivered",
    "smtp-id": "<14c5d75ce93.dfd.64b469@example.com>",
    sg_event_id: `ZGVsaXZlcmVkLTAtMTIzNDU2Nzg5-${index}`,
    sg_message_id: "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    response: "250 2.0.0 OK",
    category: ["order"],
  }));
  const body = JSON.stringify(events);
  const headers = {
    "content-type": "application/json",
    "x-twilio-email-event-webhook-signature": createSign("sha256")
      .update(time)
      .update(body)
      .sign(privateKey, "base64"),
    "x-twilio-email-event-webhook-timestamp": time,
  };
  const { trackingWebhook } = await posthorn("sendgrid", "webhooks");
  const verifier = new EventWebhook();
  const key = verifier.convertPublicKeyToECDSA(spki);
  const byNode = (text, headers) =>
    createVerify("sha256")
      .update(headers.get("x-twilio-email-event-webhook-timestamp"))
      .update(text)
      .verify(publicKey, headers.get("x-twilio-email-event-webhook-signature"), "base64");
  return {
    provider: "sendgrid",
    events: events.length,
    request: () => new Request(URL, { method: "POST", headers, body }),
    subjects: {
      Posthorn: viaPosthorn(trackingWebhook, { signingKey: spki }, events.length),
      "@sendgrid/eventwebhook": byHand(
        (text, given) =>
          verifier.verifySignature(
            key,
            text,
            given.get("x-twilio-email-event-webhook-signature"),
            given.get("x-twilio-email-event-webhook-timestamp"),
          ),
        events.length,
      ),
      "by hand, node:crypto": byHand(byNode, events.length),
    },
  };
}

/** Mailgun has no verifier of its own: its documentation shows one by hand. */
async function mailgunCase() {
  const signingKey = "key-00000000000000000000000000000000";
  const timestamp = `${seconds()}`;
  const token = "00000000000000000000000000000000000000000000000000";
  const sign = (stamp, nonce) =>
    createHmac("sha256", signingKey)
      .update(stamp + nonce)
      .digest();
  const body = JSON.stringify({
    signature: { timestamp, token, signature: sign(timestamp, token).toString("hex") },
    "event-data": {
      id: "G9Bn5sl1TC6nu79C8C0bwg",
      event: "delivered",
      timestamp: Number(timestamp),
      recipient: "grace@example.org",
      tags: ["order"],
      "user-variables": { order: "42" },
      message: { headers: { "message-id": "20261124120000.1.A1B2@example.com" } },
      "delivery-status": { code: 250, message: "OK", description: "" },
    },
  });
  const { trackingWebhook } = await posthorn("mailgun", "webhooks");
  return {
    provider: "mailgun",
    events: 1,
    request: () =>
      new Request(URL, { method: "POST", headers: { "content-type": "application/json" }, body }),
    subjects: {
      Posthorn: viaPosthorn(trackingWebhook, { signingKey }, 1),
      "by hand, node:crypto": async (request) => {
        const { signature, ...event } = await request.json();
        const given = Buffer.from(signature.signature, "hex");
        if (!timingSafeEqual(given, sign(signature.timestamp, signature.token))) throw new Error("refused");
        if (event["event-data"].event !== "delivered") throw new Error("not read");
        return new Response("ok");
      },
    },
  };
}

function byHand(verify, count) {
  return async (request) => {
    const text = await request.text();
    if (!verify(text, request.headers)) throw new Error("refused");
    if (JSON.parse(text).length !== count) throw new Error("not read");
    return new Response("ok");
  };
}

function viaPosthorn(trackingWebhook, options, count) {
  let seen = 0;
  const handle = trackingWebhook({
    ...options,
    onEvent: ({ eventType }) => {
      if (eventType === "delivered") seen++;
    },
  });
  return async (request) => {
    const before = seen;
    const response = await handle(request);
    if (response.status !== 200 || seen - before !== count) throw new Error(await response.text());
    return response;
  };
}

/** A mail of a text and an attachment, `bytes` in all. */
function mail(bytes) {
  const head = [
    "From: Ada <ada@example.com>",
    "To: Grace <grace@example.org>",
    "Subject: Report",
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="b1"',
    "",
    "--b1",
    "Content-Type: text/plain; charset=utf-8",
    "",
    "Here is the report.",
    "--b1",
    'Content-Type: application/octet-stream; name="report.bin"',
    "Content-Transfer-Encoding: base64",
    'Content-Disposition: attachment; filename="report.bin"',
    "",
    "",
  ].join("\r\n");
  const line = `${Buffer.from("report by Ada Lovelace, to be read by Grace Hopper. bye").toString("base64")}\r\n`;
  return new TextEncoder().encode(`${head}${line.repeat(Math.ceil(bytes / line.length))}--b1--\r\n`);
}

export function show({ tracking, inbound }) {
  const rows = (list, label) =>
    list.flatMap((entry) =>
      Object.entries(entry.subjects).map(([name, { perSecond }], index) => [
        label(entry),
        name,
        perSecond.median >= 100 ? Math.round(perSecond.median) : perSecond.median.toFixed(1),
        index === 0 ? "" : showSpread(perSecond.ratio),
      ]),
    );
  return [
    "Posts verified, read into events and answered:",
    table([["provider", "by", "events/s", "Posthorn to it"], ...rows(tracking, ({ provider }) => provider)]),
    "Mail that comes in, with an attachment:",
    table([
      ["mail", "by", "mails/s", "Posthorn to it"],
      ...rows(inbound, ({ megabytes }) => `${megabytes} MB`),
    ]),
  ].join("\n\n");
}

export function misses({ tracking }) {
  return tracking.flatMap(({ provider, subjects }) =>
    Object.entries(subjects).flatMap(([name, { perSecond }]) =>
      name !== "Posthorn" && !name.startsWith("by hand") && perSecond.ratio.median < 1
        ? [`${provider}: ${perSecond.ratio.median} of ${name}`]
        : [],
    ),
  );
}
