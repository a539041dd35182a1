import {
  type BackendOptions,
  type ErrorBody,
  encodeBase64Text,
  HttpBackend,
  type NormalizedMessage,
  type ProviderAnswer,
  type ProviderRequest,
  type RecipientResult,
  type RecipientResults,
  type ReportUnsupported,
} from "@posthorn/core";
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
  readonly MessageID: string;
}
interface MessageAnswer {
  readonly Status?: string;
  readonly To?: readonly NamedRecipient[];
  readonly Cc?: readonly NamedRecipient[];
  readonly Bcc?: readonly NamedRecipient[];
  readonly Errors?: readonly { readonly ErrorMessage?: string; readonly ErrorCode?: string }[];
}

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
      recipients: [...to, ...message.cc, ...message.bcc],
    }));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { authorization: `Basic ${this.basicAuth()}` };
  }

  protected override secrets(): readonly (string | undefined)[] {
    return [...super.secrets(), this.basicAuth()];
  }

  // https://dev.mailjet.com/email/guides/send-api-v31/#send-api-json-properties
  protected override readAnswer(answer: ProviderAnswer): RecipientResults {
    answer.json();
    // Message ids are larger than a JavaScript number can tell apart.
    const exact = answer.text.replace(/("MessageID"\s*:\s*)(\d+)/g, '$1"$2"');
    const { Messages } = (JSON.parse(exact) ?? {}) as { Messages?: readonly MessageAnswer[] };
    if (!Array.isArray(Messages)) throw answer.error("answered without messages", "accepted");
    const recipients = new Map(
      answer.request.recipients.map(({ email, address }) => [email.toLowerCase(), address]),
    );
    const results: Record<string, RecipientResult> = {};
    for (const address of recipients.values()) results[address] = { status: "failed", messageId: null };
    for (const { Status, To = [], Cc = [], Bcc = [] } of Messages as readonly MessageAnswer[]) {
      if (Status !== "success") continue;
      for (const { Email, MessageID } of [...To, ...Cc, ...Bcc]) {
        results[recipients.get(Email.toLowerCase()) ?? Email] = { status: "sent", messageId: MessageID };
      }
    }
    return results;
  }

  // https://dev.mailjet.com/email/reference/overview/errors/
  protected override readError(body: unknown): ErrorBody {
    const {
      ErrorMessage,
      ErrorCode,
      Messages = [],
    } = body as {
      ErrorMessage?: string;
      ErrorCode?: string;
      Messages?: readonly MessageAnswer[];
    };
    const errors = Messages.flatMap(({ Errors = [] }) => Errors);
    return {
      message: ErrorMessage ?? (errors.map((error) => error.ErrorMessage).join("; ") || undefined),
      code: ErrorCode ?? errors[0]?.ErrorCode,
    };
  }

  private basicAuth(): string {
    return encodeBase64Text(`${this.options.apiKey}:${this.options.secretKey}`);
  }
}
