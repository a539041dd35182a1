import { parseAddressList } from "@posthorn/core/provider";
import { type FakeAnswer, startFakeProvider } from "./fake-provider.js";
import { deedsOf } from "./fake-reader.js";
import { parseForm } from "./form.js";
import type { RawRequest } from "./http-parser.js";
import { type MailgunMail, mailgunInboundPost, mailgunTrackingPost } from "./mailgun-webhooks.js";
import { createFakeWebhooks, type WebhookFake } from "./webhook-fake.js";
import type { WebhookPosterOptions } from "./webhook-poster.js";

const API_KEY = "made-up-mailgun-key";
const WEBHOOK_KEY = "made-up-mailgun-signing-key";
const AUTHORIZATION = `Basic ${Buffer.from(`api:${API_KEY}`).toString("base64")}`;

/**
 * A fake Mailgun. Like the real one it answers a wrong key with 401 `Forbidden`, an unknown domain (any below
 * `.unknown.example`) with 404, what lacks a recipient or a body with 400, and any path that is no endpoint with 200
 * and its slogan. Once told where to, it posts each event of a mail it took, and mail it receives.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
 */
export async function startFakeMailgun(options: WebhookPosterOptions = {}): Promise<WebhookFake> {
  const webhooks = createFakeWebhooks(
    WEBHOOK_KEY,
    (mail, url) => mailgunInboundPost(WEBHOOK_KEY, mail, url),
    options,
  );
  const fake = await startFakeProvider("/v3", API_KEY, (request, id) => {
    const given = answer(request, id);
    for (const mail of given.sent ?? []) {
      for (const deed of deedsOf(mail.recipient, given.html)) {
        webhooks.track(() => mailgunTrackingPost(WEBHOOK_KEY, mail, deed));
      }
    }
    return given;
  });
  return webhooks.attachTo(fake);
}

interface MailgunAnswer extends FakeAnswer {
  /** A mail for each recipient. */
  readonly sent?: readonly MailgunMail[];
  readonly html?: string | undefined;
}

function answer(request: RawRequest, id: string): MailgunAnswer {
  const domain = /^\/v3\/([^/]+)\/messages$/.exec(request.path)?.[1];
  if (!domain) return { status: 200, body: "Mailgun Magnificent API" };
  if (request.headers["authorization"] !== AUTHORIZATION) return { status: 401, body: "Forbidden" };
  if (domain.endsWith(".unknown.example")) return failure(404, `Domain not found: ${domain}`);
  const form = parseForm(request);
  const texts = (name: string): readonly string[] =>
    (form.get(name) ?? []).filter((value) => typeof value === "string");
  const recipients = [...texts("to"), ...texts("cc"), ...texts("bcc")];
  if (recipients.length === 0) return failure(400, "to parameter is missing");
  const invalid = recipients.some((recipient) => !/@[^@]+\.[^@]+/.test(recipient));
  if (invalid) return failure(400, "'to' parameter is not a valid address. please check documentation");
  if (!["text", "html", "template", "amp-html"].some((field) => form.has(field))) {
    return failure(400, "Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified");
  }
  const messageId = `20261124.${id}@${domain}`;
  const subject = texts("subject")[0];
  const own = variablesOf(texts("recipient-variables")[0]);
  const mailTo = (recipient: string): MailgunMail => ({
    messageId,
    recipient,
    from: texts("from")[0] ?? "",
    subject: subject ?? "",
    tags: texts("o:tag"),
    variables: Object.fromEntries(
      [...form.keys()]
        .filter((name) => name.startsWith("v:"))
        .map((name) => [name.slice(2), fillIn(texts(name)[0] ?? "", own[recipient] ?? {})]),
    ),
  });
  return {
    status: 200,
    body: { id: `<${messageId}>`, message: "Queued. Thank you." },
    mail: { recipients, subject, payload: Object.fromEntries(form) },
    sent: recipients.flatMap(bareAddresses).map(mailTo),
    html: texts("html")[0],
  };
}

type Variables = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function variablesOf(json: string | undefined): Variables {
  try {
    return JSON.parse(json ?? "{}") as Variables;
  } catch {
    return {};
  }
}

/** A text with what a recipient's variables say in place of their names. */
function fillIn(text: string, variables: Readonly<Record<string, unknown>>): string {
  return text.replace(/%recipient\.([^%]+)%/g, (_, name: string) => String(variables[name] ?? ""));
}

function bareAddresses(text: string): readonly string[] {
  try {
    return parseAddressList(text, "to").map(({ email }) => email);
  } catch {
    return [];
  }
}

function failure(status: number, message: string): FakeAnswer {
  return { status, body: { message } };
}
