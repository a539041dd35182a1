import { formPost, jsonBody, requestOf, type SamplePost } from "@posthorn/testing/webhooks";
import { describe, expect, it } from "vitest";
import { WEBHOOKS } from "../vectors/webhooks.js";

/** What a provider posts, at the webhook that it is not for; and posts to its inbound webhook that hold no message. */
interface Misdirected {
  readonly message: SamplePost;
  readonly event: SamplePost;
  readonly empty: readonly SamplePost[];
}

const sns = (notification: unknown): SamplePost => ({
  headers: { "content-type": "text/plain", "x-amz-sns-message-type": "Notification" },
  body: JSON.stringify({
    Type: "Notification",
    MessageId: "e1",
    TopicArn: "arn:aws:sns:eu-west-1:123456789012:mail",
    Message: JSON.stringify(notification),
    Timestamp: "2026-11-24T12:00:00.000Z",
  }),
});
const mandrill = (...events: readonly unknown[]) => formPost({ mandrill_events: JSON.stringify(events) });
const signed = { token: "t", timestamp: "1", signature: "s" };

const POSTS: Readonly<Record<string, Misdirected>> = {
  "amazon-ses": {
    message: sns({ notificationType: "Received", mail: {}, receipt: {} }),
    event: sns({ eventType: "Delivery", mail: {} }),
    empty: [
      sns({ notificationType: "Received", mail: {}, receipt: { action: { type: "SNS" } }, content: "" }),
    ],
  },
  brevo: {
    message: jsonBody({ items: [{ Headers: { From: "a@example.com" } }] }),
    event: jsonBody({ event: "delivered", email: "a@example.com" }),
    empty: [jsonBody({ items: [] }), jsonBody({ items: null }), jsonBody({ items: [{}] })],
  },
  mailersend: {
    message: jsonBody({ type: "inbound.message", data: { raw: "Subject: x" } }),
    event: jsonBody({ type: "activity.delivered", data: {} }),
    empty: [
      jsonBody({ type: "inbound.message", data: {} }),
      jsonBody({ type: "inbound.message", data: { raw: "" } }),
    ],
  },
  mailgun: {
    message: formPost({ ...signed, "body-plain": "hello", "message-headers": "[]" }),
    event: jsonBody({ signature: signed, "event-data": { event: "delivered" } }),
    empty: [formPost({ ...signed, sender: "a@example.com" })],
  },
  mailjet: {
    message: jsonBody({
      Sender: "a@example.com",
      Headers: { From: "a@example.com" },
      Parts: [],
      "Text-part": "hello",
    }),
    event: jsonBody([{ event: "sent", MessageID: 1 }]),
    empty: [jsonBody({}), jsonBody({ Sender: "a@example.com" }), jsonBody([]), jsonBody(5)],
  },
  mailtrap: {
    message: jsonBody({ events: [{ event: "inbound.message_received", inbox_id: 1, message_id: "1" }] }),
    event: jsonBody({ events: [{ event: "delivery", message_id: "1" }] }),
    empty: [jsonBody({ events: [] }), jsonBody({ events: [{ event: "inbound.message_received" }] })],
  },
  mandrill: {
    message: mandrill({ event: "inbound", msg: { raw_msg: "Subject: x" } }),
    event: mandrill({ event: "send", msg: {} }),
    empty: [
      mandrill({ event: "inbound", ts: 1, msg: { email: "in@example.org" } }),
      mandrill({ event: "inbound" }),
    ],
  },
  postal: {
    message: jsonBody({ rcpt_to: "a@example.com", message: "U3ViamVjdDogeA==", base64: true }),
    event: jsonBody({ event: "MessageSent", payload: {} }),
    empty: [
      jsonBody({}),
      jsonBody({ rcpt_to: "a@example.com" }),
      jsonBody({ rcpt_to: "a@example.com", message: "" }),
    ],
  },
  postmark: {
    message: jsonBody({ FromFull: { Email: "a@example.com" }, TextBody: "hello" }),
    event: jsonBody({ RecordType: "Delivery", MessageID: "1" }),
    empty: [jsonBody({}), jsonBody({ MessageID: "1", Headers: [] }), jsonBody({ RawEmail: "" })],
  },
  resend: {
    message: jsonBody({ type: "email.received", data: { email_id: "1" } }),
    event: jsonBody({ type: "email.delivered", data: { email_id: "1" } }),
    empty: [jsonBody({ type: "email.received", data: { from: "a@example.com" } })],
  },
  sendgrid: {
    message: formPost({ headers: "From: a@example.com", text: "hello" }),
    event: jsonBody([{ event: "delivered" }]),
    empty: [formPost({ email: "" }), formPost({ envelope: "{}" })],
  },
  sparkpost: {
    message: jsonBody([{ msys: { relay_message: { content: { email_rfc822: "Subject: x" } } } }]),
    event: jsonBody([{ msys: { message_event: { type: "delivery" } } }]),
    empty: [
      jsonBody([{ msys: { relay_message: {} } }]),
      jsonBody([{ msys: { relay_message: { content: {} } } }]),
    ],
  },
};

const MORE: Readonly<Record<string, object>> = {
  mailtrap: { apiToken: "made-up", fetch: () => expect.unreachable() },
  resend: { apiKey: "made-up", fetch: () => expect.unreachable() },
};

describe.each(Object.keys(WEBHOOKS).filter((name) => WEBHOOKS[name]?.inboundWebhook))(
  "posts to the webhooks of %s",
  (provider) => {
    const { trackingWebhook, inboundWebhook = () => expect.unreachable() } =
      WEBHOOKS[provider] ?? expect.unreachable();
    const posts = POSTS[provider];
    const statusOf = async (handler: (request: Request) => Promise<Response>, post: SamplePost) => {
      const response = await handler(requestOf(post));
      return { status: response.status, reason: await response.text() };
    };
    const common = { insecure: true, onEvent: () => expect.unreachable() };
    // Brevo drops what is answered 5xx. https://developers.brevo.com/docs/retry-mechanism
    const kept = provider === "brevo" ? 429 : 500;

    it("name the inbound webhook for a message at the tracking webhook", async () => {
      const { status, reason } = await statusOf(
        trackingWebhook(common),
        posts?.message ?? expect.unreachable(),
      );
      expect([status, reason]).toEqual([kept, expect.stringContaining("inbound webhook")]);
    });

    it("name the tracking webhook for an event at the inbound webhook", async () => {
      const handler = inboundWebhook({ ...common, ...MORE[provider] });
      const { status, reason } = await statusOf(handler, posts?.event ?? expect.unreachable());
      expect([status, reason]).toEqual([kept, expect.stringContaining("tracking webhook")]);
    });

    it("are never taken without a message", async () => {
      const handler = inboundWebhook({ ...common, ...MORE[provider] });
      for (const post of posts?.empty ?? expect.unreachable()) {
        const { status, reason } = await statusOf(handler, post);
        expect(status, `${post.body}: ${reason}`).toBeGreaterThanOrEqual(400);
      }
    });
  },
);
