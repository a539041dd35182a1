import type { BackendOptions, RecipientReason, RecipientResult, RecipientResults } from "@posthorn/core";
import {
  allRecipients,
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
} from "@posthorn/core/provider";
import { type MailerSendFeatures, type MailerSendMessage, mailersendFeatures } from "./features.js";
import { BATCH_SEND_MODES, type BatchSendMode, buildPayloads, readExtra } from "./payload.js";

/** Options of {@link MailerSendBackend}. */
export interface MailerSendOptions extends BackendOptions<MailerSendFeatures> {
  /** API token. A message's `espExtra.api_token` wins over it. Environment: `MAILERSEND_API_TOKEN`. */
  readonly apiToken?: string | undefined;
  /**
   * How a message with by-recipient data and several recipients goes. `use-bulk-email`: by the bulk endpoint, whose
   * response tells nothing of single recipients. `expose-to-list`: as one mail that shows all its recipients. A message's
   * `espExtra.batch_send_mode` wins over it. Environment: `MAILERSEND_BATCH_SEND_MODE`.
   */
  readonly batchSendMode?: BatchSendMode | undefined;
}

/** https://developers.mailersend.com/api/v1/email.html#send-an-email (responses with warnings) */
interface Warning {
  readonly type: string;
  readonly warning?: string;
  readonly recipients?: readonly { readonly email: string; readonly reasons?: readonly string[] }[];
}

/** Sends through MailerSend. Subclass it to override `createSession()`. */
export class MailerSendBackend extends HttpBackend<MailerSendFeatures, MailerSendOptions, MailerSendMessage> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: MailerSendOptions = {}) {
    super(
      {
        name: "MailerSend",
        envPrefix: "MAILERSEND",
        features: mailersendFeatures,
        options: {
          apiToken: { required: true, secret: true },
          batchSendMode: { values: BATCH_SEND_MODES },
        },
        apiUrl: "https://api.mailersend.com/v1",
      },
      options,
    );
  }

  protected override buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): readonly ProviderRequest[] {
    const { apiToken, batchSendMode = this.options.batchSendMode } = readExtra(message);
    const own = apiToken ? { headers: bearer(apiToken), secrets: [apiToken] } : {};
    return buildPayloads(message, batchSendMode, report).map(({ bulk, body, to }) => ({
      path: bulk ? "bulk-email" : "email",
      ...own,
      body: { json: body },
      recipients: allRecipients(message, to),
    }));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return bearer(this.options.apiToken ?? "");
  }

  // The id is a header; a body there is only for warnings, or for a bulk.
  protected override readResponse(response: ProviderResponse): RecipientResults {
    const body = (response.text.trim() === "" ? {} : response.json()) as {
      bulk_email_id?: string;
      warnings?: readonly Warning[];
    };
    const { recipients } = response.request;
    if (body.bulk_email_id) {
      const messageId = `bulk:${body.bulk_email_id}`;
      return response.everyRecipient({ status: "unknown", messageId });
    }
    const messageId = response.headers["x-message-id"] || null;
    const suppressed = new Map(
      (body.warnings ?? [])
        .filter(({ type }) => type === "ALL_SUPPRESSED" || type === "SOME_SUPPRESSED")
        .flatMap(({ warning = "the recipient is suppressed", recipients: named = [] }) =>
          named.map(({ email, reasons = [] }) => [email.toLowerCase(), suppressedFor(reasons, warning)]),
        ),
    );
    return Object.fromEntries(
      recipients.map(({ address, email }): [string, RecipientResult] => {
        const reason = suppressed.get(email.toLowerCase());
        if (reason) return [address, { status: "rejected", messageId: null, reason }];
        // It took the request, and does not say as what.
        return [address, { status: messageId === null ? "unknown" : "queued", messageId }];
      }),
    );
  }

  /**
   * The code (`#MS42207`) is part of the text: of `message`, or in a 422 of an entry of `errors`.
   *
   * @see https://developers.mailersend.com/general.html#validation-errors
   */
  protected override readError(body: unknown): ProviderErrorInfo {
    const { message = "", errors = {} } = body as {
      message?: string;
      errors?: Readonly<Record<string, readonly string[]>>;
    };
    const explanation = [message, ...Object.values(errors).flat()].join(" ");
    const code = /MS\d{5}/.exec(explanation)?.[0];
    // The daily quota is a 429 like any other, but waiting a little does not help.
    const retryable = code === "MS42901" ? false : undefined;
    return { message: explanation, code, retryable };
  }
}

/** Reasons are words such as `blocklisted` and `hard_bounced`. */
function suppressedFor(reasons: readonly string[], message: string): RecipientReason {
  return { ...(reasons.length > 0 ? { code: reasons.join(", ") } : {}), message, retryable: false };
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}
