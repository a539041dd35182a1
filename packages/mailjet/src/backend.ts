import type { BackendOptions, RecipientReason, RecipientResult, RecipientResults } from "@posthorn/core";
import {
  allRecipients,
  encodeBase64String,
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
  writtenAddresses,
} from "@posthorn/core/provider";
import { type MailjetFeatures, type MailjetMessage, mailjetFeatures } from "./features.js";
import { buildPayloads } from "./payload.js";

/** Options of {@link MailjetBackend}. */
export interface MailjetOptions extends BackendOptions<MailjetFeatures> {
  /** Public API key. Environment: `MAILJET_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** Private API key. Environment: `MAILJET_SECRET_KEY`. */
  readonly secretKey?: string | undefined;
  /**
   * Base URL of the API: `https://api.us.mailjet.com/v3.1` for accounts in the US. Environment: `MAILJET_API_URL`.
   *
   * @default "https://api.mailjet.com/v3.1"
   * @see https://github.com/mailjet/mailjet-apiv3-nodejs#base-url
   */
  readonly apiUrl?: string | undefined;
}

interface NamedRecipient {
  readonly Email: string;
  /** Absent or 0 in sandbox mode. */
  readonly MessageID?: string;
}
interface ErrorResponse {
  readonly ErrorMessage?: string;
  readonly ErrorCode?: string;
  readonly Messages?: readonly MessageResponse[];
}
interface MessageResponse {
  readonly Status?: string;
  readonly To?: readonly NamedRecipient[];
  readonly Cc?: readonly NamedRecipient[];
  readonly Bcc?: readonly NamedRecipient[];
  readonly Errors?: readonly MessageError[];
}

interface MessageError {
  readonly ErrorMessage?: string;
  readonly ErrorCode?: string;
  readonly StatusCode?: number;
}

/**
 * Statuses of a response when a message of it is refused, though others of it were sent: 400, or what the refused message
 * has. https://dev.mailjet.com/email/guides/send-api-v31/#send-api-errors
 */
const PARTIAL = [400, 401, 403];

/** Sends through Mailjet. Subclass it to override `createSession()`. */
export class MailjetBackend extends HttpBackend<MailjetFeatures, MailjetOptions, MailjetMessage> {
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
    const { Messages } = (JSON.parse(exact) ?? {}) as ErrorResponse;
    if (!Array.isArray(Messages) || Messages.length === 0)
      throw response.error("answered without messages", "accepted");
    return readMessages(Messages, response);
  }

  protected override readError(body: unknown): ProviderErrorInfo {
    return readErrors(body as ErrorResponse);
  }

  private basicAuth(): string {
    return encodeBase64String(`${this.options.apiKey}:${this.options.secretKey}`);
  }
}

/** Each message of the request has an entry, in order. Whoever no entry names gets nothing. */
function readMessages(messages: readonly MessageResponse[], response: ProviderResponse): RecipientResults {
  const { message, request } = response;
  const written = writtenAddresses(request.recipients);
  const copies = message.cc.length + message.bcc.length;
  const to = request.recipients.slice(0, request.recipients.length - copies);
  const results: Record<string, RecipientResult> = {};
  for (const [index, { Status, Errors = [] }] of messages.entries()) {
    if (Status === "success") continue;
    const reason = reasonOf(Errors);
    const failed: RecipientResult = { status: "failed", messageId: null, ...(reason && { reason }) };
    const concerned = message.isBatch ? to.slice(index, index + 1) : to;
    for (const { address } of concerned) results[address] = failed;
    // A copy that goes with another recipient's message was sent.
    for (const { address } of request.recipients.slice(to.length)) results[address] ??= failed;
  }
  for (const { address } of request.recipients) results[address] ??= { status: "failed", messageId: null };
  for (const { Status, To = [], Cc = [], Bcc = [] } of messages) {
    if (Status !== "success") continue;
    for (const { Email, MessageID = "0" } of [...To, ...Cc, ...Bcc])
      results[written(Email)] = { status: "sent", messageId: MessageID === "0" ? null : MessageID };
  }
  return results;
}

function reasonOf(errors: readonly MessageError[]): RecipientReason | undefined {
  const [first] = errors;
  if (!first) return undefined;
  const message = [...new Set(errors.map(({ ErrorMessage }) => ErrorMessage ?? "no explanation"))].join("; ");
  const retryable = errors.every(({ StatusCode = 400 }) => StatusCode === 429 || StatusCode >= 500);
  return { ...(first.ErrorCode === undefined ? {} : { code: first.ErrorCode }), message, retryable };
}

/** @throws ApiError with `delivery: "not-sent"` for an error response that tells of no message sent */
function refuseUnlessPartial(response: ProviderResponse): void {
  const { status } = response;
  let said: ProviderErrorInfo = {};
  try {
    const body = JSON.parse(response.text) as ErrorResponse;
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
function readErrors({ ErrorMessage, ErrorCode, Messages = [] }: ErrorResponse): ProviderErrorInfo {
  const errors = Messages.flatMap(({ Errors = [] }) => Errors);
  const messages = [...new Set(errors.map((error) => error.ErrorMessage))];
  return {
    message: ErrorMessage ?? (messages.join("; ") || undefined),
    code: ErrorCode ?? errors[0]?.ErrorCode,
  };
}
