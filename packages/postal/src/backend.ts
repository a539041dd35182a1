import type { BackendOptions, MessageId, RecipientResults } from "@posthorn/core";
import {
  allRecipients,
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
  writtenAddresses,
} from "@posthorn/core/provider";
import { type PostalFeatures, type PostalMessage, postalFeatures } from "./features.js";
import { buildPayload } from "./payload.js";

/** Options of {@link PostalBackend}. */
export interface PostalOptions extends BackendOptions<PostalFeatures> {
  /** API key of a credential of the mail server. Environment: `POSTAL_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** Where your Postal runs: `https://postal.example.com`. There is no default. Environment: `POSTAL_API_URL`. */
  readonly apiUrl?: string | undefined;
}

interface Answer {
  readonly status?: string;
  readonly data?: {
    readonly code?: string;
    readonly message?: string;
    readonly messages?: Readonly<Record<string, { readonly id: MessageId }>>;
  };
}

/** Statuses of an response that refuses the mail. https://docs.postalserver.io/developer/api#responses */
const REFUSALS: ReadonlySet<string> = new Set(["error", "parameter-error"]);

/** Sends through Postal. Subclass it to override `createSession()`. */
export class PostalBackend extends HttpBackend<PostalFeatures, PostalOptions, PostalMessage> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: PostalOptions = {}) {
    super(
      {
        name: "Postal",
        envPrefix: "POSTAL",
        features: postalFeatures,
        options: { apiKey: { required: true, secret: true } },
        splitsBatch: () => true,
      },
      options,
    );
  }

  protected override async buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): Promise<readonly ProviderRequest[]> {
    const { operation, body } = await buildPayload(message, this.session.clock.now(), report);
    return [{ path: `api/v1/send/${operation}`, body: { json: body }, recipients: allRecipients(message) }];
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { "x-server-api-key": this.options.apiKey ?? "" };
  }

  // Errors are answers of 200 too. https://docs.postalserver.io/developer/api#responses
  protected override readResponse(response: ProviderResponse): RecipientResults {
    const { status, data } = (response.json() ?? {}) as Answer;
    if (status === "success" && data?.messages) {
      const written = writtenAddresses(response.request.recipients);
      return Object.fromEntries(
        Object.entries(data.messages).map(([email, { id }]) => [
          written(email),
          { status: "queued", messageId: id },
        ]),
      );
    }
    if (status === "success" || status === undefined)
      throw response.error("answered without messages", "accepted");
    // Anything else, such as `internal-server-error`, says nothing of the mail.
    const delivery = REFUSALS.has(status) ? "not-sent" : "unknown";
    throw response.error(data?.message ?? `answered with the status ${status}`, delivery, {
      code: data?.code,
    });
  }

  protected override readError(body: unknown): ProviderErrorInfo {
    const { data } = body as Answer;
    return { message: data?.message, code: data?.code };
  }
}
