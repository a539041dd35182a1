import type { BackendOptions, RecipientResult, RecipientResults } from "@posthorn/core";
import {
  allRecipients,
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
} from "@posthorn/core/provider";
import { type ResendFeatures, type ResendMessage, resendFeatures } from "./features.js";
import { buildPayloads } from "./payload.js";

/** Options of {@link ResendBackend}. */
export interface ResendOptions extends BackendOptions<ResendFeatures> {
  /** API key. Environment: `RESEND_API_KEY`. */
  readonly apiKey?: string | undefined;
}

/** Sends through Resend. Subclass it to override `createSession()`. */
export class ResendBackend extends HttpBackend<ResendFeatures, ResendOptions, ResendMessage> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: ResendOptions = {}) {
    super(
      {
        name: "Resend",
        envPrefix: "RESEND",
        features: resendFeatures,
        options: { apiKey: { required: true, secret: true } },
        apiUrl: "https://api.resend.com",
        // https://resend.com/docs/dashboard/emails/idempotency-keys
        idempotencyWindow: 24 * 3_600_000,
      },
      options,
    );
  }

  protected override buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): readonly ProviderRequest[] {
    const requests = buildPayloads(message, report);
    return requests.map(({ batch, body, to }, index) => ({
      path: batch ? "emails/batch" : "emails",
      // Kept for 24 hours, up to 256 characters. https://resend.com/docs/dashboard/emails/idempotency-keys
      headers: {
        "idempotency-key":
          requests.length > 1 ? `${message.idempotencyKey}/${index}` : `${message.idempotencyKey}`,
      },
      body: { json: body },
      recipients: allRecipients(message, to),
    }));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.options.apiKey}` };
  }

  protected override readResponse(response: ProviderResponse): RecipientResults {
    const { id, data } = (response.json() ?? {}) as { id?: unknown; data?: unknown };
    const { recipients } = response.request;
    if (typeof id === "string") {
      return response.everyRecipient({ status: "queued", messageId: id });
    }
    if (!Array.isArray(data)) throw response.error("answered without message ids", "accepted");
    // One id for each mail of the batch, in order; those who get copies of all have no single one.
    const ids = (data as { id?: string }[]).map((entry) => entry?.id ?? null);
    return Object.fromEntries(
      recipients.map(({ address }, index): [string, RecipientResult] => [
        address,
        { status: "queued", messageId: ids[index] ?? null },
      ]),
    );
  }

  // https://resend.com/docs/api-reference/errors
  protected override readError(body: unknown): ProviderErrorInfo {
    const { name, message } = body as { name?: string; message?: string };
    return {
      code: name,
      message,
      // Both are about the key: an earlier request with it is in progress, or has sent another message.
      inProgress: name === "concurrent_idempotent_requests",
      alreadyAccepted: name === "invalid_idempotent_request",
      retryable: name === "daily_quota_exceeded" || name === "monthly_quota_exceeded" ? false : undefined,
    };
  }
}
