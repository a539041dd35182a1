import {
  type BackendOptions,
  ConfigurationError,
  InvalidMessageError,
  type RecipientResults,
} from "@posthorn/core";
import {
  encodeBase64String,
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
} from "@posthorn/core/provider";
import { type MailgunFeatures, type MailgunMessage, mailgunFeatures } from "./features.js";
import { buildPayloads } from "./payload.js";

/** Options of {@link MailgunBackend}. */
export interface MailgunOptions extends BackendOptions<MailgunFeatures> {
  /** API key, the account's or a domain's sending key. Environment: `MAILGUN_API_KEY`. */
  readonly apiKey?: string | undefined;
  /**
   * The domain to send through, where it is not that of the `from` address. Environment: `MAILGUN_SENDER_DOMAIN`. A
   * message's envelope sender, or `sender_domain` in its `espExtra`, wins over it.
   */
  readonly senderDomain?: string | undefined;
  /**
   * Base URL of the API: `https://api.eu.mailgun.net/v3` for domains in the EU region. Environment: `MAILGUN_API_URL`.
   */
  readonly apiUrl?: string | undefined;
}

/** Sends through Mailgun. Subclass it to override `createSession()`. */
export class MailgunBackend extends HttpBackend<MailgunFeatures, MailgunOptions, MailgunMessage> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: MailgunOptions = {}) {
    super(
      {
        name: "Mailgun",
        envPrefix: "MAILGUN",
        features: mailgunFeatures,
        options: { apiKey: { required: true, secret: true }, senderDomain: {} },
        apiUrl: "https://api.mailgun.net/v3",
        attachmentEncoding: "raw",
      },
      options,
    );
  }

  protected override buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): readonly ProviderRequest[] {
    const path = `${encodeURIComponent(this.senderDomain(message))}/messages`;
    return buildPayloads(message, report).map(({ body, recipients }) => ({ path, body, recipients }));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { authorization: `Basic ${this.basicAuth()}` };
  }

  protected override secrets(): readonly (string | undefined)[] {
    return [...super.secrets(), this.basicAuth()];
  }

  // https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
  protected override readResponse(response: ProviderResponse): RecipientResults {
    // Any path that is no endpoint answers 200 with this text, and nothing is sent.
    if (response.text.includes("Mailgun Magnificent API")) {
      const hint = 'check the options "apiUrl" and "senderDomain"';
      throw response.error(
        `there is no endpoint at ${this.apiUrl}${response.request.path}; ${hint}`,
        "not-sent",
      );
    }
    const { id } = (response.json() ?? {}) as { id?: unknown };
    if (typeof id !== "string") throw response.error("answered without a message id", "accepted");
    return response.everyRecipient({ status: "queued", messageId: id });
  }

  /**
   * Mailgun says in words when its rate limit is over: "try again after 120 seconds".
   *
   * @see https://github.com/mailgun/mailgun-mcp-server (`src/openapi.yaml`, the 429 of POST /v3/{domain_name}/messages)
   */
  protected override readError(
    body: unknown,
    _headers: Readonly<Record<string, string>>,
    status: number,
  ): ProviderErrorInfo {
    const { message } = body as { message?: string };
    const seconds =
      status === 429 ? /try again (?:after|in) (\d+) seconds?/i.exec(message ?? "")?.[1] : undefined;
    if (seconds !== undefined)
      return { message, retryAt: new Date(this.session.clock.now() + Number(seconds) * 1000) };
    if (!message?.startsWith("Domain not found")) return { message };
    return {
      message: `${message}. Is the domain verified at Mailgun, and is "apiUrl" (${this.apiUrl}) its region?`,
    };
  }

  private basicAuth(): string {
    return encodeBase64String(`api:${this.options.apiKey}`);
  }

  private senderDomain(message: NormalizedMessage): string {
    const extra = message.espExtra["sender_domain"];
    const domain =
      (typeof extra === "string" ? extra : undefined) ??
      message.envelopeSender?.domain ??
      this.options.senderDomain ??
      message.from[0]?.domain;
    if (domain === undefined) {
      throw new InvalidMessageError(
        'Mailgun: "from" is required where no domain is known: pass it, or set the option "senderDomain"',
        { field: "from", provider: "Mailgun" },
      );
    }
    if (!domain.includes("/")) return domain;
    throw new ConfigurationError(`Mailgun: the sender domain "${domain}" holds a "/"`, {
      provider: "Mailgun",
    });
  }
}
