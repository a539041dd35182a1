import type { BackendOptions, RecipientResult, RecipientResults } from "@posthorn/core";
import {
  allRecipients,
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
  uuidFrom,
} from "@posthorn/core/provider";
import { type ResendFeatures, type ResendMessage, resendFeatures } from "./features.js";
import { buildPayloads } from "./payload.js";

/** Options of {@link ResendBackend}. */
export interface ResendOptions extends BackendOptions<ResendFeatures> {
  /** API key. Environment: `RESEND_API_KEY`. */
  readonly apiKey?: string | undefined;
  /**
   * What happens to a batch with a message that Resend refuses: `strict` sends none of them, `permissive` sends the others.
   * Environment: `RESEND_BATCH_VALIDATION`.
   *
   * @default "strict"
   * @see https://resend.com/docs/api-reference/emails/send-batch-emails
   */
  readonly batchValidation?: "strict" | "permissive" | undefined;
}

/** What a header can hold, without white space around it. */
const KEY = /^(?! )[ -~\u00a1-\u00ff]{1,256}(?<! )$/;

/**
 * A key of 1 to 256 characters that a header can hold.
 *
 * @see https://resend.com/docs/dashboard/emails/idempotency-keys
 */
async function keyFor(key: string): Promise<string> {
  return KEY.test(key) ? key : uuidFrom(key);
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
        options: {
          apiKey: { required: true, secret: true },
          batchValidation: { values: ["strict", "permissive"] },
        },
        apiUrl: "https://api.resend.com",
        // https://resend.com/docs/dashboard/emails/idempotency-keys
        idempotencyWindow: 24 * 3_600_000,
        // The batch endpoint takes no files. https://resend.com/docs/api-reference/emails/send-batch-emails
        splitsBatch: ({ attachments, espExtra }) => attachments.length > 0 || "attachments" in espExtra,
      },
      options,
    );
  }

  protected override async buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): Promise<readonly ProviderRequest[]> {
    const requests = buildPayloads(message, report);
    const { batchValidation } = this.options;
    const key = message.idempotencyKey ?? "";
    const keys = await Promise.all(
      requests.map((_, index) => keyFor(requests.length > 1 ? `${key}/${index}` : key)),
    );
    return requests.map(({ batch, body, to }, index) => ({
      path: batch ? "emails/batch" : "emails",
      headers: {
        "idempotency-key": keys[index] ?? "",
        ...(batch && batchValidation ? { "x-batch-validation": batchValidation } : {}),
      },
      body: { json: body },
      recipients: allRecipients(message, to),
    }));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.options.apiKey}` };
  }

  protected override readResponse(response: ProviderResponse): RecipientResults {
    const {
      id,
      data,
      errors = [],
    } = (response.json() ?? {}) as {
      id?: unknown;
      data?: unknown;
      /** With permissive validation: the messages of a batch that were not accepted. */
      errors?: readonly { readonly index: number; readonly message: string }[];
    };
    const { recipients } = response.request;
    if (typeof id === "string") {
      return response.everyRecipient({ status: "queued", messageId: id });
    }
    if (!Array.isArray(data)) throw response.error("answered without message ids", "accepted");
    const failed = new Map(errors.map(({ index, message }) => [index, message]));
    // One id for each message of the batch that was accepted, in order; recipients of copies of all have none of their own.
    const ids = (data as { id?: string }[]).map((entry) => entry?.id ?? null).values();
    return Object.fromEntries(
      recipients.map(({ address }, index): [string, RecipientResult] => {
        const message = failed.get(index);
        if (message === undefined)
          return [address, { status: "queued", messageId: ids.next().value ?? null }];
        return [address, { status: "failed", messageId: null, reason: { message, retryable: false } }];
      }),
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
