import { type FakeAnswer, type FakeProvider, startFakeProvider } from "./fake-provider.js";
import { parseForm } from "./form.js";
import type { RawRequest } from "./http-parser.js";

const API_KEY = "made-up-mailgun-key";
const AUTHORIZATION = `Basic ${Buffer.from(`api:${API_KEY}`).toString("base64")}`;

/**
 * A fake Mailgun. Like the real one it answers a wrong key with 401 `Forbidden`, an unknown domain (any below
 * `.unknown.example`) with 404, what lacks a recipient or a body with 400, and any path that is no endpoint with 200
 * and its slogan.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
 */
export function startFakeMailgun(): Promise<FakeProvider> {
  return startFakeProvider("/v3", API_KEY, answer);
}

function answer(request: RawRequest, id: string): FakeAnswer {
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
  return {
    status: 200,
    body: { id: `<20261124.${id}@${domain}>`, message: "Queued. Thank you." },
    mail: { recipients, subject: texts("subject")[0], payload: Object.fromEntries(form) },
  };
}

function failure(status: number, message: string): FakeAnswer {
  return { status, body: { message } };
}
