import type { BackendOptions, RecipientResult, RecipientResults, RecipientStatus } from "@posthorn/core";
import {
  allRecipients,
  HttpBackend,
  type NormalizedMessage,
  ownProperty,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
  writtenAddresses,
} from "@posthorn/core/provider";
import { type MandrillFeatures, type MandrillMessage, mandrillFeatures } from "./features.js";
import { buildPayload } from "./payload.js";

/** Options of {@link MandrillBackend}. */
export interface MandrillOptions extends BackendOptions<MandrillFeatures> {
  /** API key. Environment: `MANDRILL_API_KEY`. */
  readonly apiKey?: string | undefined;
}

/** Mandrill's words for what became of a recipient. */
const STATUSES: Readonly<Record<string, RecipientStatus>> = {
  sent: "sent",
  queued: "queued",
  scheduled: "queued",
  rejected: "rejected",
  invalid: "invalid",
};

/**
 * Why a recipient gets nothing, or a message waits, in words for people.
 *
 * @see https://github.com/mailchimp/mailchimp-client-lib-codegen (`reject_reason` and `queued_reason` of messages/send)
 */
const REASONS: Readonly<Record<string, string>> = {
  "hard-bounce": "a message to this address bounced before",
  "soft-bounce": "messages to this address bounced several times",
  spam: "the recipient complained before",
  unsub: "the recipient has unsubscribed",
  custom: "the address is on the denylist",
  "invalid-sender": "the sender is not valid",
  invalid: "the address is not valid",
  "test-mode-limit": "the limit of the test mode is reached",
  unsigned: "the sending domain is not set up",
  rule: "a rule of the account rejects the message",
  attachments: "messages with attachments are queued",
  "multiple-recipients": "messages to several recipients are queued",
  "free-trial-sends-exhausted": "the messages of the free trial are used up",
  "hourly-quota-exhausted": "the hourly quota is used up",
  "monthly-limit-reached": "the monthly limit is reached",
  "sending-paused": "sending is paused",
  "sending-suspended": "sending is suspended",
  "account-suspended": "the account is suspended",
  "sending-backlogged": "sending is backlogged",
};

/**
 * Errors that say no for good. Mandrill answers 500 to them, as to those that say nothing of the mail (`GeneralError`).
 *
 * @see https://mailchimp.com/developer/transactional/api/messages/send-new-message/
 */
const REFUSALS: ReadonlySet<string> = new Set([
  "Invalid_Key",
  "Invalid_Reject",
  "PaymentRequired",
  "Unknown_Message",
  "Unknown_Subaccount",
  "Unknown_Template",
  "ValidationError",
]);

/** Sends through Mandrill. Subclass it to override `createSession()`. */
export class MandrillBackend extends HttpBackend<MandrillFeatures, MandrillOptions, MandrillMessage> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: MandrillOptions = {}) {
    super(
      {
        name: "Mandrill",
        envPrefix: "MANDRILL",
        features: mandrillFeatures,
        options: { apiKey: { required: true, secret: true } },
        apiUrl: "https://mandrillapp.com/api/1.0",
        // Headers are those of all recipients of a request.
        splitsBatch: ({ mergeHeaders }) => mergeHeaders !== undefined,
      },
      options,
    );
  }

  protected override buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): readonly ProviderRequest[] {
    const payload = buildPayload(message, report);
    return [
      {
        path: payload["template_name"] === undefined ? "messages/send.json" : "messages/send-template.json",
        body: { json: { key: this.options.apiKey, ...payload } },
        recipients: allRecipients(message),
      },
    ];
  }

  // The key goes in the body.
  protected override authHeaders(): Readonly<Record<string, string>> {
    return {};
  }

  protected override readResponse(response: ProviderResponse): RecipientResults {
    const entries = response.json();
    if (!Array.isArray(entries) || !entries.every(isEntry)) {
      throw response.error("answered with something other than a list of recipients", "accepted");
    }
    const written = writtenAddresses(response.request.recipients);
    return Object.fromEntries(
      entries.map((entry): [string, RecipientResult] => [
        written(entry.email),
        {
          status: ownProperty(STATUSES, entry.status) ?? "unknown",
          messageId: entry._id ?? null,
          ...reasonOf(entry),
        },
      ]),
    );
  }

  /** @see https://mailchimp.com/developer/transactional/docs/fundamentals/#api-errors */
  protected override readError(body: unknown): ProviderErrorInfo {
    const { name, message } = body as { name?: string; message?: string };
    if (name === "RequestLimitExceeded") return { code: name, message, refused: true, retryable: true };
    return { code: name, message, refused: name !== undefined && REFUSALS.has(name) };
  }
}

interface ResponseEntry {
  readonly email: string;
  readonly status: string;
  readonly _id?: string | null;
  readonly reject_reason?: unknown;
  readonly queued_reason?: unknown;
}

/** What is queued is sent later by Mandrill itself, so neither reason is one for sending again. */
function reasonOf({ reject_reason, queued_reason }: ResponseEntry): Pick<RecipientResult, "reason"> {
  const code = reject_reason || queued_reason;
  if (typeof code !== "string") return {};
  return { reason: { code, message: ownProperty(REASONS, code) ?? code, retryable: false } };
}

function isEntry(entry: unknown): entry is ResponseEntry {
  const { email, status } = (entry ?? {}) as Partial<ResponseEntry>;
  return typeof email === "string" && typeof status === "string";
}
