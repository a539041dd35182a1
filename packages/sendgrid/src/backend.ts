import type { Address, BackendOptions, RecipientResults } from "@posthorn/core";
import {
  allRecipients,
  chunk,
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
} from "@posthorn/core/provider";
import { type SendGridFeatures, type SendGridMessage, sendgridFeatures } from "./features.js";
import { buildPayload } from "./payload.js";

/** Options of {@link SendGridBackend}. */
export interface SendGridOptions extends BackendOptions<SendGridFeatures> {
  /** API key. Environment: `SENDGRID_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** Base URL of the API: `https://api.eu.sendgrid.com/v3` for EU subusers. Environment: `SENDGRID_API_URL`. */
  readonly apiUrl?: string | undefined;
  /**
   * Whether each recipient of a batch (or each message) gets an id of our own as custom argument, given back in
   * webhooks: SendGrid's response has none that its webhooks know. Default `true`. Environment:
   * `SENDGRID_GENERATE_MESSAGE_ID`.
   */
  readonly generateMessageId?: boolean | undefined;
  /**
   * Delimiters of legacy template variables, with `{}` for the name: `:{}-field`. Environment:
   * `SENDGRID_MERGE_FIELD_FORMAT`.
   */
  readonly mergeFieldFormat?: string | undefined;
}

/** Recipients of all kinds, and so personalizations, that one request takes. https://www.twilio.com/docs/sendgrid/for-developers/sending-email/personalizations */
const RECIPIENT_LIMIT = 1000;

/** Sends through SendGrid. Subclass it to override `createSession()`. */
export class SendGridBackend extends HttpBackend<SendGridFeatures, SendGridOptions, SendGridMessage> {
  /** Ids of our own for the recipients of each request under way. */
  private readonly ids = new WeakMap<ProviderRequest, ReadonlyMap<string, string>>();

  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: SendGridOptions = {}) {
    super(
      {
        name: "SendGrid",
        envPrefix: "SENDGRID",
        features: sendgridFeatures,
        options: {
          apiKey: { required: true, secret: true },
          generateMessageId: { type: "boolean" },
          mergeFieldFormat: {},
        },
        apiUrl: "https://api.sendgrid.com/v3",
      },
      options,
    );
  }

  protected override buildRequests(message: NormalizedMessage): readonly ProviderRequest[] {
    const copies = message.cc.length + message.bcc.length;
    // Every mail of a batch has the copies again.
    const size = Math.max(1, Math.floor(RECIPIENT_LIMIT / (1 + copies)));
    const batches = message.isBatch ? chunk(message.to, size) : [message.to];
    return batches.map((to) => this.buildRequest(message, to));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.options.apiKey}` };
  }

  // 202 without a body; X-Message-ID is not what webhooks call it.
  protected override readResponse(response: ProviderResponse): RecipientResults {
    const ids = this.ids.get(response.request);
    const fallback =
      this.options.generateMessageId === false ? (response.headers["x-message-id"] ?? null) : null;
    return Object.fromEntries(
      response.request.recipients.map(({ address }) => [
        address,
        { status: "queued", messageId: ids?.get(address) ?? fallback },
      ]),
    );
  }

  // https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors
  protected override readError(body: unknown): ProviderErrorInfo {
    const { errors } = body as { errors: { message: string; field?: string | null }[] };
    return {
      message: errors.map(({ message, field }) => (field ? `${message} (${field})` : message)).join("; "),
    };
  }

  private buildRequest(message: NormalizedMessage, to: readonly Address[]): ProviderRequest {
    const generate = this.options.generateMessageId !== false;
    const recipients = allRecipients(message, to);
    const groups = (message.isBatch ? to.map((address) => [address]) : [to]).map((members) => ({
      to: members,
      id: generate ? crypto.randomUUID() : undefined,
    }));
    const format = { mergeFieldFormat: this.options.mergeFieldFormat };
    const request = { path: "mail/send", body: { json: buildPayload(message, groups, format) }, recipients };
    const ids = new Map<string, string>();
    for (const { to: members, id } of groups) {
      // Those who get copies of a batch get one of each; the last is as good as any.
      for (const { address } of [...members, ...message.cc, ...message.bcc])
        if (id !== undefined) ids.set(address, id);
    }
    this.ids.set(request, ids);
    return request;
  }
}
