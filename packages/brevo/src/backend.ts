import type { BackendOptions, RecipientResult, RecipientResults } from "@posthorn/core";
import {
  allRecipients,
  HttpBackend,
  isRecord,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
  uuidFrom,
} from "@posthorn/core/provider";
import { type BrevoFeatures, type BrevoMessage, brevoFeatures } from "./features.js";
import { buildPayloads } from "./payload.js";

/** Options of {@link BrevoBackend}. */
export interface BrevoOptions extends BackendOptions<BrevoFeatures> {
  /** API v3 key. Environment: `BREVO_API_KEY`. */
  readonly apiKey?: string | undefined;
}

/** Codes of the errors for a request that was processed before. */
const REPEATS: ReadonlySet<string> = new Set(["duplicate_parameter", "duplicate_request"]);
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Sends through Brevo. Subclass it to override `createSession()`. */
export class BrevoBackend extends HttpBackend<BrevoFeatures, BrevoOptions, BrevoMessage> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: BrevoOptions = {}) {
    super(
      {
        name: "Brevo",
        envPrefix: "BREVO",
        features: brevoFeatures,
        options: { apiKey: { required: true, secret: true } },
        apiUrl: "https://api.brevo.com/v3",
        // https://developers.brevo.com/docs/heterogenous-versions-batch-emails
        idempotencyWindow: 30 * 60_000,
        // A sender of the account, by its id. https://developers.brevo.com/reference/send-transac-email
        hasSender: ({ sender }) => isRecord(sender) && sender["id"] !== undefined,
      },
      options,
    );
  }

  protected override buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): Promise<readonly ProviderRequest[]> {
    const payloads = buildPayloads(message, report);
    return Promise.all(
      payloads.map(async ({ body, to }, index) => {
        const headers = isRecord(body["headers"]) ? body["headers"] : {};
        const idempotencyKey = await requestKey(message.idempotencyKey ?? "", index);
        return {
          path: "smtp/email",
          // The guide shows the key among the body's headers; by users' reports the request's own header counts.
          headers: { idempotencyKey },
          body: { json: { ...body, headers: { idempotencyKey, ...headers } } },
          recipients: allRecipients(message, to),
        };
      }),
    );
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { "api-key": this.options.apiKey ?? "" };
  }

  protected override readResponse(response: ProviderResponse): RecipientResults {
    const { messageId, messageIds } = (response.json() ?? {}) as {
      messageId?: unknown;
      messageIds?: unknown;
    };
    const { recipients } = response.request;
    if (Array.isArray(messageIds)) {
      // One for each version, in order.
      return Object.fromEntries(
        recipients.map(({ address }, index): [string, RecipientResult] => [
          address,
          { status: "queued", messageId: (messageIds as string[])[index] ?? null },
        ]),
      );
    }
    if (typeof messageId !== "string") throw response.error("answered without a message id", "accepted");
    return response.everyRecipient({ status: "queued", messageId });
  }

  /**
   * Two codes say that the request was processed before: `duplicate_parameter` by the guide to batches,
   * `duplicate_request` by the list of codes in Brevo's SDK.
   *
   * @see https://developers.brevo.com/docs/how-it-works
   * @see https://developers.brevo.com/docs/heterogenous-versions-batch-emails
   * @see https://github.com/getbrevo/brevo-node (`BadRequestErrorBody.Code`)
   */
  protected override readError(
    body: unknown,
    headers: Readonly<Record<string, string>>,
    status: number,
  ): ProviderErrorInfo {
    const { code, message } = (body ?? {}) as { code?: string; message?: string };
    return {
      code,
      message,
      alreadyAccepted: code !== undefined && REPEATS.has(code),
      retryAt: status === 429 ? this.resetAt(headers["x-sib-ratelimit-reset"]) : undefined,
    };
  }

  /**
   * Brevo sends no Retry-After, but the seconds until its rate limit is over.
   *
   * @see https://developers.brevo.com/docs/limit-headers
   */
  private resetAt(seconds: string | undefined): Date | undefined {
    return seconds !== undefined && /^\d+$/.test(seconds)
      ? new Date(this.session.clock.now() + Number(seconds) * 1000)
      : undefined;
  }
}

/** Brevo's keys are UUIDs, kept for 30 minutes. https://developers.brevo.com/docs/heterogenous-versions-batch-emails */
async function requestKey(key: string, index: number): Promise<string> {
  return index === 0 && UUID.test(key) ? key : uuidFrom(`${key}/${index}`);
}
