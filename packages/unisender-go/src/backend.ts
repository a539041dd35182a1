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
  uuidFrom,
} from "@posthorn/core/provider";
import { type UnisenderGoFeatures, type UnisenderGoMessage, unisenderGoFeatures } from "./features.js";
import { buildPayloads } from "./payload.js";

/** Options of {@link UnisenderGoBackend}. */
export interface UnisenderGoOptions extends BackendOptions<UnisenderGoFeatures> {
  /** API key. Environment: `UNISENDER_GO_API_KEY`. */
  readonly apiKey?: string | undefined;
  /**
   * Base URL of the API at your data center, such as `https://go1.unisender.ru/ru/transactional/api/v1`. There is no
   * default. Environment: `UNISENDER_GO_API_URL`.
   */
  readonly apiUrl?: string | undefined;
  /**
   * Whether each recipient gets an own message id, sent as metadata and given back in webhooks. Otherwise all have the job's id.
   * Environment: `UNISENDER_GO_GENERATE_MESSAGE_ID`.
   *
   * @default true
   */
  readonly generateMessageId?: boolean | undefined;
}

/** Why an address failed. A `duplicate` had one message. https://godocs.unisender.ru/web-api-ref#email-send */
const FAILURES: Readonly<Record<string, RecipientStatus>> = {
  unsubscribed: "rejected",
  invalid: "invalid",
  temporary_unavailable: "failed",
  permanent_unavailable: "rejected",
  complained: "rejected",
  blocked: "rejected",
};

/** Sends through Unisender Go. Subclass it to override `createSession()`. */
export class UnisenderGoBackend extends HttpBackend<
  UnisenderGoFeatures,
  UnisenderGoOptions,
  UnisenderGoMessage
> {
  /** Ids made here for the recipients of each request in progress. */
  private readonly ids = new WeakMap<ProviderRequest, ReadonlyMap<string, string>>();

  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: UnisenderGoOptions = {}) {
    super(
      {
        name: "Unisender Go",
        envPrefix: "UNISENDER_GO",
        features: unisenderGoFeatures,
        options: { apiKey: { required: true, secret: true }, generateMessageId: { type: "boolean" } },
        // https://godocs.unisender.ru/web-api-ref#email-send
        idempotencyWindow: 60_000,
      },
      options,
    );
  }

  protected override async buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): Promise<readonly ProviderRequest[]> {
    const ids = this.options.generateMessageId === false ? undefined : await recipientIds(message);
    const payloads = await buildPayloads(message, ids, report);
    return payloads.map(({ body, recipients }) => {
      const request: ProviderRequest = { path: "email/send.json", body: { json: body }, recipients };
      if (ids) this.ids.set(request, ids);
      return request;
    });
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { "x-api-key": this.options.apiKey ?? "" };
  }

  protected override readResponse(response: ProviderResponse): RecipientResults {
    const { job_id, emails, failed_emails } = (response.json() ?? {}) as {
      job_id?: string;
      emails?: unknown;
      failed_emails?: Readonly<Record<string, string>>;
    };
    if (!Array.isArray(emails)) throw response.error("answered without a list of recipients", "accepted");
    const ids = this.ids.get(response.request);
    const written = new Map(response.request.recipients.map(({ email, address }) => [email, address]));
    const results: Record<string, RecipientResult> = {};
    const taken = (email: string): RecipientResult => ({
      status: "queued",
      messageId: ids?.get(email.toLowerCase()) ?? job_id ?? null,
    });
    for (const email of emails as string[]) results[written.get(email) ?? email] = taken(email);
    for (const [email, why] of Object.entries(failed_emails ?? {})) {
      // A duplicate is among the accepted ones in its first spelling.
      if (why === "duplicate") continue;
      results[written.get(email) ?? email] = {
        status: ownProperty(FAILURES, why) ?? "failed",
        messageId: null,
        reason: { code: why, message: why, retryable: why === "temporary_unavailable" },
      };
    }
    return results;
  }

  // https://godocs.unisender.ru/web-api-ref#errors
  protected override readError(body: unknown): ProviderErrorInfo {
    const { code, message } = body as { code?: number; message?: string };
    // 1573: a message with this key was taken within the last minute.
    return { code, message, alreadyAccepted: code === 1573 };
  }
}

/**
 * Ids by address, the same at each try with the same idempotency key. To Unisender Go addresses that differ in case alone are one
 * recipient.
 */
async function recipientIds(message: NormalizedMessage): Promise<ReadonlyMap<string, string>> {
  const emails = new Set(allRecipients(message).map(({ email }) => email.toLowerCase()));
  const ids = Array.from(
    emails,
    async (email) => [email, await uuidFrom(JSON.stringify([message.idempotencyKey, email]))] as const,
  );
  return new Map(await Promise.all(ids));
}
