import { createHmac } from "node:crypto";
import { BOUNCE, type RecipientAction, randomId, USER_AGENT } from "./fake-reader.js";
import { composeMime, envelopeOf, headersOf, type ReceivedMail } from "./received-mail.js";
import type { ProviderPost } from "./webhook-poster.js";

/** What Mailgun knows of a mail to one of its recipients. */
export interface MailgunMail {
  /** Without its angle brackets. */
  readonly messageId: string;
  readonly recipient: string;
  readonly from: string;
  readonly subject: string;
  readonly tags: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

/** @see https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks */
function sign(key: string): {
  readonly timestamp: string;
  readonly token: string;
  readonly signature: string;
} {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const token = randomId(25);
  const signature = createHmac("sha256", key).update(`${timestamp}${token}`).digest("hex");
  return { timestamp, token, signature };
}

/** One event, as JSON. @see https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads */
export function mailgunTrackingPost(key: string, mail: MailgunMail, deed: RecipientAction): ProviderPost {
  const { messageId, recipient, from, subject, tags, variables } = mail;
  const data = {
    id: randomId(11),
    timestamp: Date.now() / 1000,
    ...eventOf(deed),
    message: {
      headers: { to: recipient, "message-id": messageId, from, subject },
      attachments: [],
      size: 111,
    },
    recipient,
    "recipient-domain": recipient.slice(recipient.lastIndexOf("@") + 1),
    campaigns: [],
    tags,
    "user-variables": variables,
  };
  return {
    headers: { "content-type": "application/json", "user-agent": "Go-http-client/1.1" },
    body: JSON.stringify({ signature: sign(key), "event-data": data }),
  };
}

function eventOf(deed: RecipientAction): Readonly<Record<string, unknown>> {
  const client = { "client-info": { "user-agent": USER_AGENT }, ip: "192.0.2.7" };
  switch (deed.kind) {
    case "delivered":
      return { event: "delivered", "log-level": "info", "delivery-status": { code: 250, message: "OK" } };
    case "bounced":
      return {
        event: "failed",
        severity: "permanent",
        reason: "bounce",
        "log-level": "error",
        "delivery-status": { code: 550, message: BOUNCE, description: "" },
      };
    case "opened":
      return { event: "opened", "log-level": "info", ...client };
    case "clicked":
      return { event: "clicked", "log-level": "info", url: deed.url, ...client };
  }
}

/**
 * A mail that a route forwards: as a form of its parts, or with the whole of it where the URL's path ends in `mime`.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http
 */
export function mailgunInboundPost(key: string, mail: ReceivedMail, url: string): ProviderPost {
  const { sender, recipient } = envelopeOf(mail);
  const own = headersOf(mail, randomId(8), new Date());
  const headers = [
    ["X-Mailgun-Incoming", "Yes"],
    ["X-Mailgun-Sflag", "No"],
    ["X-Mailgun-Sscore", "0.1"],
    ["X-Mailgun-Spf", "Pass"],
    ["X-Mailgun-Dkim-Check-Result", "Pass"],
    ...own,
  ] as const;
  const fields: [name: string, value: string][] = [
    ["recipient", recipient],
    ["sender", sender],
    ["from", mail.from],
    ["subject", mail.subject],
    ["message-headers", JSON.stringify(headers)],
    ...own.map(([name, value]): [string, string] => [name, value]),
    ...Object.entries(sign(key)),
  ];
  const agent = { "user-agent": "mailgun/treq-20.9.0" };
  if (new URL(url).pathname.endsWith("mime")) {
    fields.push(["body-mime", composeMime(mail, headers)]);
    return urlencoded(fields, agent);
  }
  fields.push(["body-plain", mail.text], ["stripped-text", stripped(mail.text)]);
  if (mail.html !== undefined) fields.push(["body-html", mail.html], ["stripped-html", mail.html]);
  const files = mail.files ?? [];
  if (files.length === 0) return urlencoded(fields, agent);
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  form.append("attachment-count", String(files.length));
  const ids: Record<string, string> = {};
  for (const [index, { filename, contentType, content, contentId }] of files.entries()) {
    const name = `attachment-${index + 1}`;
    if (contentId !== undefined) ids[`<${contentId}>`] = name;
    form.append(name, new Blob([content as BlobPart], { type: contentType }), filename);
  }
  if (Object.keys(ids).length > 0) form.append("content-id-map", JSON.stringify(ids));
  return { headers: agent, body: form };
}

function urlencoded(fields: [string, string][], headers: Readonly<Record<string, string>>): ProviderPost {
  return {
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: new URLSearchParams(fields).toString(),
  };
}

/** The text without quoted lines and without what follows the signature's mark. */
function stripped(text: string): string {
  const [body = ""] = text.split(/^-- $/m);
  return body
    .split("\n")
    .filter((line) => !line.startsWith(">"))
    .join("\n")
    .trim();
}
