import type { BackendOptions, RecipientResult, RecipientResults } from "@posthorn/core";
import {
  allRecipients,
  encodeBase64String,
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
} from "@posthorn/core/provider";
import { type MailjetFeatures, mailjetFeatures } from "./features.js";
import { buildPayloads } from "./payload.js";

/** Options of {@link MailjetBackend}. */
export interface MailjetOptions extends BackendOptions<MailjetFeatures> {
  /** Public API key. Environment: `MAILJET_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** Private API key. Environment: `MAILJET_SECRET_KEY`. */
  readonly secretKey?: string | undefined;
}

interface NamedRecipient {
  readonly Email: string;
  /** Absent or 0 in sandbox mode. */
  readonly MessageID?: string;
}
interface ErrorAnswer {
  readonly ErrorMessage?: string;
  readonly ErrorCode?: string;
  readonly Messages?: readonly MessageAnswer[];
}
interface MessageAnswer {
  readonly Status?: string;
  readonly To?: readonly NamedRecipient[];
  readonly Cc?: readonly NamedRecipient[];
  readonly Bcc?: readonly NamedRecipient[];
  readonly Errors?: readonly { readonly ErrorMessage?: string; readonly ErrorCode?: string }[];
}

/**
 * Statuses of an response when a message of it is refused, though others of it were sent: 400, or what the refused message
 * has. https://dev.mailjet.com/email/guides/send-api-v31/#send-api-errors
 */
const PARTIAL = [400, 401, 403];

/** Sends through Mailjet. Subclass it to override `createSession()`. */
export class MailjetBackend extends HttpBackend<MailjetFeatures, MailjetOptions> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: MailjetOptions = {}) {
    super(
      {
        name: "Mailjet",
        envPrefix: "MAILJET",
        features: mailjetFeatures,
        options: { apiKey: { required: true, secret: true }, secretKey: { required: true, secret: true } },
        apiUrl: "https://api.mailjet.com/v3.1",
      },
      options,
    );
  }

  protected override buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): readonly ProviderRequest[] {
    return buildPayloads(message, report).map(({ body, to }) => ({
      path: "send",
      body: { json: body },
      readable: PARTIAL,
      recipients: allRecipients(message, to),
    }));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { authorization: `Basic ${this.basicAuth()}` };
  }

  protected override secrets(): readonly (string | undefined)[] {
    return [...super.secrets(), this.basicAuth()];
  }

  // https://dev.mailjet.com/email/guides/send-api-v31/#send-api-errors
  protected override readResponse(response: ProviderResponse): RecipientResults {
    if (response.status >= 300) refuseUnlessPartial(response);
    response.json();
    // Message ids are larger than a JavaScript number can tell apart.
    const exact = response.text.replace(/("MessageID"\s*:\s*)(\d+)/g, '$1"$2"');
    const { Messages } = (JSON.parse(exact) ?? {}) as ErrorAnswer;
    if (!Array.isArray(Messages)) throw response.error("answered without messages", "accepted");
    const recipients = new Map(
      response.request.recipients.map(({ email, address }) => [email.toLowerCase(), address]),
    );
    const results: Record<string, RecipientResult> = {};
    for (const address of recipients.values()) results[address] = { status: "failed", messageId: null };
    for (const { Status, To = [], Cc = [], Bcc = [] } of Messages as readonly MessageAnswer[]) {
      if (Status !== "success") continue;
      for (const { Email, MessageID = "0" } of [...To, ...Cc, ...Bcc]) {
        results[recipients.get(Email.toLowerCase()) ?? Email] = {
          status: "sent",
          messageId: MessageID === "0" ? null : MessageID,
        };
      }
    }
    return results;
  }

  protected override readError(body: unknown): ProviderErrorInfo {
    return readErrors(body as ErrorAnswer);
  }

  private basicAuth(): string {
    return encodeBase64String(`${this.options.apiKey}:${this.options.secretKey}`);
  }
}

/** @throws ApiError with `delivery: "not-sent"` for an error response that tells of no message sent */
function refuseUnlessPartial(response: ProviderResponse): void {
  const { status } = response;
  let said: ProviderErrorInfo = {};
  try {
    const body = JSON.parse(response.text) as ErrorAnswer;
    if (body.Messages?.some(({ Status }) => Status === "success")) return;
    said = readErrors(body);
  } catch {
    // Not JSON, or not of the form that Mailjet documents: the text itself is shown.
  }
  const code = said.code === undefined ? "" : ` (${said.code})`;
  const text = said.message ?? (response.text.trim().slice(0, 500) || "no explanation");
  throw response.error(`answered ${status}: ${text}${code}`, "not-sent", said);
}

/** One error for the request, or one or more for each message. */
function readErrors({ ErrorMessage, ErrorCode, Messages = [] }: ErrorAnswer): ProviderErrorInfo {
  const errors = Messages.flatMap(({ Errors = [] }) => Errors);
  const messages = [...new Set(errors.map((error) => error.ErrorMessage))];
  return {
    message: ErrorMessage ?? (messages.join("; ") || undefined),
    code: ErrorCode ?? errors[0]?.ErrorCode,
  };
}
