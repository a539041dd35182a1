import { type FakeAnswer, startFakeProvider } from "./fake-provider.js";
import { deedsOf } from "./fake-reader.js";
import type { RawRequest } from "./http-parser.js";
import { mandrillInboundEvent, mandrillPost, mandrillTrackingEvents } from "./mandrill-webhooks.js";
import { createFakeWebhooks, type WebhookFake } from "./webhook-fake.js";
import type { WebhookPosterOptions } from "./webhook-poster.js";

const API_KEY = "made-up-mandrill-key";
const WEBHOOK_KEY = "made-up-mandrill-webhook-key";

interface MandrillBody {
  readonly key?: string;
  readonly send_at?: string;
  readonly message?: {
    readonly from_email?: string;
    readonly subject?: string;
    readonly html?: string;
    readonly tags?: readonly string[];
    readonly metadata?: unknown;
    readonly to?: readonly { readonly email: string }[];
  };
}

/**
 * A fake Mandrill. Like the real one it refuses a wrong key with `Invalid_Key`, marks addresses without a domain
 * `invalid`, and rejects addresses at `reject.example` (as it would suppressed ones). Once told where to, it posts the
 * events of each mail it sent in one batch, and mail it receives.
 *
 * @see https://mailchimp.com/developer/transactional/api/messages/
 */
export async function startFakeMandrill(options: WebhookPosterOptions = {}): Promise<WebhookFake> {
  const webhooks = createFakeWebhooks(
    WEBHOOK_KEY,
    (mail, url) => mandrillPost(WEBHOOK_KEY, [mandrillInboundEvent(mail)], url),
    options,
  );
  const fake = await startFakeProvider("/api/1.0", API_KEY, (request, id) => {
    const given = answer(request, id);
    const { message, sent = [] } = given;
    const events = sent.flatMap(({ email, _id }) =>
      mandrillTrackingEvents(
        {
          id: _id,
          recipient: email,
          sender: message?.from_email ?? "",
          subject: message?.subject ?? "",
          tags: message?.tags ?? [],
          metadata: message?.metadata,
        },
        deedsOf(email, message?.html),
      ),
    );
    if (events.length > 0) webhooks.track((url) => mandrillPost(WEBHOOK_KEY, events, url));
    return given;
  });
  return webhooks.attachTo(fake);
}

interface MandrillAnswer extends FakeAnswer {
  /** The recipients that the message went to. */
  readonly sent?: readonly { readonly email: string; readonly _id: string }[];
  readonly message?: MandrillBody["message"];
}

function answer(request: RawRequest, id: string): MandrillAnswer {
  const body = parse(request.body.toString("utf8"));
  if (body === undefined) return failure(-1, "ValidationError", "You must specify a key value");
  if (body.key !== API_KEY) return failure(-1, "Invalid_Key", "Invalid API key");
  if (!/\/messages\/send(-template)?\.json$/.test(request.path)) {
    return failure(-1, "Unknown_Method", `Unknown method "${request.path}"`, 404);
  }
  const { from_email, subject, to = [] } = body.message ?? {};
  if (!from_email?.includes("@")) return failure(-2, "ValidationError", "Validation error: from_email");
  const entries = to.map(({ email }, index) => recipient(email, `${id}${index}`, body.send_at !== undefined));
  const taken = entries
    .filter(({ status }) => status === "sent" || status === "scheduled")
    .map(({ email }) => email);
  return {
    status: 200,
    body: entries,
    sent: entries.filter(({ status }) => status === "sent"),
    message: body.message,
    ...(taken.length > 0 ? { mail: { recipients: taken, subject, payload: body.message } } : {}),
  };
}

function recipient(
  email: string,
  id: string,
  scheduled: boolean,
): { email: string; status: string; _id: string; reject_reason: string | null } {
  const domain = email.slice(email.lastIndexOf("@") + 1);
  const status = !domain.includes(".")
    ? "invalid"
    : domain === "reject.example"
      ? "rejected"
      : scheduled
        ? "scheduled"
        : "sent";
  return { email, status, _id: `mandrill${id}`, reject_reason: status === "rejected" ? "hard-bounce" : null };
}

function failure(code: number, name: string, message: string, status = 500): FakeAnswer {
  return { status, body: { status: "error", code, name, message } };
}

function parse(text: string): MandrillBody | undefined {
  try {
    return JSON.parse(text) as MandrillBody;
  } catch {
    return undefined;
  }
}
