import type { BackendOptions, RecipientResults, RecipientStatus } from "@posthorn/core";
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
import { type MandrillFeatures, mandrillFeatures } from "./features.js";
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
export class MandrillBackend extends HttpBackend<MandrillFeatures, MandrillOptions> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: MandrillOptions = {}) {
    super(
      {
        name: "Mandrill",
        envPrefix: "MANDRILL",
        features: mandrillFeatures,
        options: { apiKey: { required: true, secret: true } },
        apiUrl: "https://mandrillapp.com/api/1.0",
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
      entries.map(({ email, status, _id }) => [
        written(email),
        { status: ownProperty(STATUSES, status) ?? "unknown", messageId: _id ?? null },
      ]),
    );
  }

  // https://mailchimp.com/developer/transactional/docs/fundamentals/#api-errors
  protected override readError(body: unknown): ProviderErrorInfo {
    const { name, message } = body as { name?: string; message?: string };
    return { code: name, message, refused: name !== undefined && REFUSALS.has(name) };
  }
}

interface AnswerEntry {
  readonly email: string;
  readonly status: string;
  readonly _id?: string | null;
}

function isEntry(entry: unknown): entry is AnswerEntry {
  const { email, status } = (entry ?? {}) as Partial<AnswerEntry>;
  return typeof email === "string" && typeof status === "string";
}
