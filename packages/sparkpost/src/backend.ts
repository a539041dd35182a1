import type { BackendOptions, RecipientResults, RecipientStatus } from "@posthorn/core";
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
import { type SparkPostFeatures, type SparkPostMessage, sparkpostFeatures } from "./features.js";
import { buildPayload } from "./payload.js";

/** Options of {@link SparkPostBackend}. */
export interface SparkPostOptions extends BackendOptions<SparkPostFeatures> {
  /** API key. Environment: `SPARKPOST_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** Base URL of the API: `https://api.eu.sparkpost.com/api/v1` for EU accounts. Environment: `SPARKPOST_API_URL`. */
  readonly apiUrl?: string | undefined;
  /** Id of the subaccount to send as. Environment: `SPARKPOST_SUBACCOUNT`. */
  readonly subaccount?: string | number | undefined;
}

/**
 * The form of idempotency keys, which are kept for 24 hours.
 * https://developers.sparkpost.com/api/transmissions/#header-idempotent-requests
 */
const KEY = /^[A-Za-z0-9._-]{1,255}$/;

/** Sends through SparkPost. Subclass it to override `createSession()`. */
export class SparkPostBackend extends HttpBackend<SparkPostFeatures, SparkPostOptions, SparkPostMessage> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: SparkPostOptions = {}) {
    super(
      {
        name: "SparkPost",
        envPrefix: "SPARKPOST",
        features: sparkpostFeatures,
        options: { apiKey: { required: true, secret: true }, subaccount: { type: "string-or-number" } },
        apiUrl: "https://api.sparkpost.com/api/v1",
        idempotencyWindow: 24 * 3_600_000,
      },
      options,
    );
  }

  protected override async buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): Promise<readonly ProviderRequest[]> {
    const key = message.idempotencyKey ?? "";
    return [
      {
        path: "transmissions/",
        headers: { "idempotency-key": KEY.test(key) ? key : await uuidFrom(key) },
        body: { json: buildPayload(message, report) },
        recipients: allRecipients(message),
      },
    ];
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    const { apiKey = "", subaccount } = this.options;
    return {
      authorization: apiKey,
      ...(subaccount === undefined ? {} : { "x-msys-subaccount": String(subaccount) }),
    };
  }

  // The response has counts only: these say what became of each when all were treated alike.
  protected override readResponse(response: ProviderResponse): RecipientResults {
    const { results } = (response.json() ?? {}) as {
      results?: {
        readonly id?: string;
        readonly total_accepted_recipients?: number;
        readonly total_rejected_recipients?: number;
        readonly rcpt_to_errors?: readonly SparkPostError[];
      };
    };
    if (typeof results?.id !== "string")
      throw response.error("answered without a transmission id", "accepted");
    const { message } = response;
    const copies = message.cc.length + message.bcc.length;
    const sent = message.isBatch ? message.to.length * (1 + copies) : message.to.length + copies;
    const {
      id: messageId,
      total_accepted_recipients: accepted,
      total_rejected_recipients: rejected,
    } = results;
    const status: RecipientStatus =
      accepted === sent && rejected === 0
        ? "queued"
        : rejected === sent && accepted === 0
          ? "rejected"
          : "unknown";
    const [error] = (status === "rejected" && results.rcpt_to_errors) || [];
    return response.everyRecipient({
      status,
      messageId,
      ...(error && { reason: { code: error.code, message: explain(error), retryable: false } }),
    });
  }

  // https://developers.sparkpost.com/api/#header-errors
  protected override readError(
    body: unknown,
    _headers: Readonly<Record<string, string>>,
    status: number,
  ): ProviderErrorInfo {
    const { errors } = body as { errors: SparkPostError[] };
    const code = errors[0]?.code;
    // Both are about the key: an earlier request with it is in progress, or has sent another message (a 404 has the same code).
    return {
      message: errors.map(explain).join("; "),
      code,
      inProgress: String(code) === "1601",
      alreadyAccepted: String(code) === "1600" && status === 409,
    };
  }
}

/** https://developers.sparkpost.com/api/#header-errors */
interface SparkPostError {
  readonly message: string;
  readonly description?: string;
  readonly code?: string;
}

function explain({ message, description }: SparkPostError): string {
  return description ? `${message}: ${description}` : message;
}
