import { type FakeAnswer, type FakeProvider, startFakeProvider } from "./fake-provider.js";
import type { RawRequest } from "./http-parser.js";

const API_KEY = "made-up-mandrill-key";

interface MandrillBody {
  readonly key?: string;
  readonly send_at?: string;
  readonly message?: {
    readonly from_email?: string;
    readonly subject?: string;
    readonly to?: readonly { readonly email: string }[];
  };
}

/**
 * A fake Mandrill. Like the real one it refuses a wrong key with `Invalid_Key`, marks addresses without a domain
 * `invalid`, and rejects addresses at `reject.example` (as it would suppressed ones).
 *
 * @see https://mailchimp.com/developer/transactional/api/messages/
 */
export function startFakeMandrill(): Promise<FakeProvider> {
  return startFakeProvider("/api/1.0", API_KEY, answer);
}

function answer(request: RawRequest, id: string): FakeAnswer {
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
