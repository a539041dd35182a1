import type { Address, BackendOptions, RecipientResults } from "@posthorn/core";
import {
  allRecipients,
  chunk,
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  uuidFrom,
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
   * Whether each recipient of a batch (or each message) gets an id made here as a custom argument, given back in
   * webhooks: the id in SendGrid's response is not the one in its webhooks. Environment: `SENDGRID_GENERATE_MESSAGE_ID`.
   *
   * @default true
   */
  readonly generateMessageId?: boolean | undefined;
  /**
   * Delimiters of legacy template variables, with `{}` for the name: `:{}-field`. Environment:
   * `SENDGRID_MERGE_FIELD_FORMAT`.
   */
  readonly mergeFieldFormat?: string | undefined;
  /**
   * The subuser or account to send for, of a parent account's key. Environment: `SENDGRID_ON_BEHALF_OF`.
   *
   * @see https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/on-behalf-of-subuser
   */
  readonly onBehalfOf?: string | undefined;
}

/** An id for one message, the same at each try with the same idempotency key, as far as the message has one. */
async function ownId({ idempotencyKey }: NormalizedMessage, to: readonly Address[]): Promise<string> {
  return idempotencyKey === undefined
    ? crypto.randomUUID()
    : uuidFrom(JSON.stringify([idempotencyKey, ...to.map(({ email }) => email)]));
}

/** Recipients of all kinds, and so personalizations, that one request takes. https://www.twilio.com/docs/sendgrid/for-developers/sending-email/personalizations */
const RECIPIENT_LIMIT = 1000;

/** Sends through SendGrid. Subclass it to override `createSession()`. */
export class SendGridBackend extends HttpBackend<SendGridFeatures, SendGridOptions, SendGridMessage> {
  /** Ids made here for the recipients of each request in progress. */
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
          onBehalfOf: {},
        },
        apiUrl: "https://api.sendgrid.com/v3",
      },
      options,
    );
  }

  protected override buildRequests(message: NormalizedMessage): Promise<readonly ProviderRequest[]> {
    const copies = message.cc.length + message.bcc.length;
    // Every message of a batch has the copies again.
    const size = Math.max(1, Math.floor(RECIPIENT_LIMIT / (1 + copies)));
    const batches = message.isBatch ? chunk(message.to, size) : [message.to];
    return Promise.all(batches.map((to) => this.buildRequest(message, to)));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.options.apiKey}` };
  }

  // 202 without a body; webhooks have other ids than X-Message-ID.
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

  // Its id is what Email Activity and SendGrid's support ask for.
  protected override valueOfHeaders({ headers }: ProviderResponse): unknown {
    const id = headers["x-message-id"];
    return id === undefined ? "" : { "x-message-id": id };
  }

  // https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors
  protected override readError(body: unknown): ProviderErrorInfo {
    const { errors } = body as { errors: { message: string; field?: string | null }[] };
    return {
      message: errors.map(({ message, field }) => (field ? `${message} (${field})` : message)).join("; "),
    };
  }

  private async buildRequest(message: NormalizedMessage, to: readonly Address[]): Promise<ProviderRequest> {
    const { generateMessageId, mergeFieldFormat, onBehalfOf } = this.options;
    const recipients = allRecipients(message, to);
    const groups = await Promise.all(
      (message.isBatch ? to.map((address) => [address]) : [to]).map(async (members) => ({
        to: members,
        id: generateMessageId === false ? undefined : await ownId(message, members),
      })),
    );
    const request = {
      path: "mail/send",
      ...(onBehalfOf ? { headers: { "on-behalf-of": onBehalfOf } } : {}),
      body: { json: buildPayload(message, groups, { mergeFieldFormat }) },
      recipients,
    };
    const ids = new Map<string, string>();
    for (const { to: members, id } of groups) {
      // Recipients of copies of a batch get one of each message: theirs is the id of the last.
      for (const { address } of [...members, ...message.cc, ...message.bcc])
        if (id !== undefined) ids.set(address, id);
    }
    this.ids.set(request, ids);
    return request;
  }
}
