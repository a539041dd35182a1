import type { Features, Message } from "@posthorn/core";

/** A mail that every provider can send. */
export const mail = {
  from: "Ada <ada@example.com>",
  to: ["grace@example.org"],
  subject: "Subject",
  text: "Text",
} satisfies Message;

/** A value for every field that a provider may lack. */
export const FIELDS: Readonly<Partial<Record<keyof Features, Partial<Message>>>> = {
  cc: { cc: ["Carbon <cc@example.org>"] },
  bcc: { bcc: ["bcc@example.org"] },
  replyTo: { replyTo: ["Reply <reply@example.com>"] },
  html: { html: "<p>Hello</p>" },
  amp: { html: "<p>Hello</p>", amp: "<html amp4email></html>" },
  alternatives: { alternatives: [{ content: "BEGIN:VCALENDAR", contentType: "text/calendar" }] },
  headers: { headers: { "X-Own": "value" } },
  attachments: { attachments: [{ filename: "a.txt", content: "attached" }] },
  inlineAttachments: {
    attachments: [
      { filename: "a.png", content: new Uint8Array([1]), contentType: "image/png", contentId: "logo" },
    ],
  },
  envelopeSender: { envelopeSender: "bounce@bounces.example.com" },
  metadata: { metadata: { userId: "u-42" } },
  sendAt: { sendAt: "2038-01-19T03:14:07Z" },
  tags: { tags: ["welcome"] },
  trackClicks: { trackClicks: true },
  trackOpens: { trackOpens: true },
  templateId: { templateId: "1234567", subject: undefined, text: undefined },
  mergeData: {
    templateId: "1234567",
    subject: undefined,
    text: undefined,
    mergeData: { "grace@example.org": { name: "Grace-value" } },
  },
  mergeGlobalData: {
    templateId: "1234567",
    subject: undefined,
    text: undefined,
    mergeGlobalData: { site: "Site-value" },
  },
  // The header that every provider with headers by recipient takes; some take no other.
  mergeHeaders: {
    mergeHeaders: { "grace@example.org": { "List-Unsubscribe": "<https://example.com/merged-value>" } },
  },
  mergeMetadata: { mergeMetadata: { "grace@example.org": { order: "order-value" } } },
  idempotencyKey: { idempotencyKey: "c0ffee00-0000-4000-8000-000000000000" },
  multipleFrom: { from: "ada@example.com, also@example.com" },
};

/** Makes a message one of a stored template. */
export const TEMPLATE = { templateId: "1234567", subject: undefined, text: undefined };

/** What must stand in the request when a provider has the field. */
export const TRACES: Readonly<Partial<Record<keyof Features, string>>> = {
  cc: "cc@example.org",
  bcc: "bcc@example.org",
  replyTo: "reply@example.com",
  html: "<p>Hello</p>",
  amp: "amp4email",
  alternatives: "BEGIN:VCALENDAR",
  headers: "X-Own",
  envelopeSender: "bounces.example.com",
  metadata: "u-42",
  tags: "welcome",
  templateId: "1234567",
  mergeData: "Grace-value",
  mergeGlobalData: "Site-value",
  mergeHeaders: "merged-value",
  mergeMetadata: "order-value",
  idempotencyKey: "c0ffee00-0000-4000-8000-000000000000",
  multipleFrom: "also@example.com",
};
