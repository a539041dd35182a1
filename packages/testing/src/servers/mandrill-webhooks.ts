import { createHmac } from "node:crypto";
import { parseAddress } from "@posthorn/core";
import { BOUNCE, type RecipientAction, randomId, USER_AGENT } from "./fake-reader.js";
import { composeMime, envelopeOf, headersOf, type ReceivedMail } from "./received-mail.js";
import type { ProviderPost } from "./webhook-poster.js";

/** What Mandrill knows of a mail to one of its recipients. */
export interface MandrillMail {
  readonly id: string;
  readonly recipient: string;
  readonly sender: string;
  readonly subject: string;
  readonly tags: readonly string[];
  readonly metadata: unknown;
}

/** One event of a post. */
export type MandrillEvent = Readonly<Record<string, unknown>>;

const NAMES = { delivered: "delivered", bounced: "hard_bounce", opened: "open", clicked: "click" } as const;

/** @see https://mailchimp.com/developer/transactional/docs/webhooks/ */
export function mandrillTrackingEvents(
  mail: MandrillMail,
  deeds: readonly RecipientAction[],
): readonly MandrillEvent[] {
  const { id, recipient, sender, subject, tags, metadata } = mail;
  const ts = Math.floor(Date.now() / 1000);
  const bounced = deeds.some(({ kind }) => kind === "bounced");
  const msg = {
    ts,
    _id: id,
    state: bounced ? "bounced" : "sent",
    subject,
    email: recipient,
    sender,
    tags,
    metadata: metadata ?? [],
    opens: [],
    clicks: [],
    smtp_events: [],
    resends: [],
    subaccount: null,
    template: null,
  };
  const client = { ip: "192.0.2.7", location: null, user_agent: USER_AGENT, user_agent_parsed: null };
  return [
    ...(bounced ? [] : [{ event: "send", ts, _id: id, msg }]),
    ...deeds.map((deed) => ({
      event: NAMES[deed.kind],
      ts,
      _id: id,
      ...(deed.kind === "opened" || deed.kind === "clicked" ? client : {}),
      ...(deed.kind === "clicked" ? { url: deed.url } : {}),
      msg: deed.kind === "bounced" ? { ...msg, bounce_description: "bad_mailbox", diag: BOUNCE } : msg,
    })),
  ];
}

/** @see https://mailchimp.com/developer/transactional/docs/inbound-email/ */
export function mandrillInboundEvent(mail: ReceivedMail): MandrillEvent {
  const { sender, recipient } = envelopeOf(mail);
  const headers = headersOf(mail, randomId(8), new Date());
  const from = parseAddress(mail.from, "from");
  const to = parseAddress(mail.to, "to");
  return {
    event: "inbound",
    ts: Math.floor(Date.now() / 1000),
    msg: {
      raw_msg: composeMime(mail, headers),
      headers: Object.fromEntries(headers),
      text: mail.text,
      text_flowed: false,
      ...(mail.html === undefined ? {} : { html: mail.html }),
      from_email: from.email,
      from_name: from.name || null,
      to: [[to.email, to.name || null]],
      email: recipient,
      sender,
      subject: mail.subject,
      tags: [],
      template: null,
      spam_report: { score: 0.1, matched_rules: [] },
      dkim: { signed: true, valid: true },
      spf: { result: "pass", detail: "sender SPF authorized" },
    },
  };
}

/**
 * Events as Mandrill posts them: one form field, signed together with the URL.
 *
 * @see https://mailchimp.com/developer/transactional/guides/track-respond-activity-webhooks/
 */
export function mandrillPost(key: string, events: readonly MandrillEvent[], url: string): ProviderPost {
  const json = JSON.stringify(events);
  const signature = createHmac("sha1", key).update(`${url}mandrill_events${json}`).digest("base64");
  return {
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "user-agent": "Mandrill-Webhook/1.0",
      "x-mandrill-signature": signature,
    },
    body: new URLSearchParams({ mandrill_events: json }).toString(),
  };
}
