import {
  type BackendOptions,
  type ErrorBody,
  HttpBackend,
  type NormalizedMessage,
  type ProviderAnswer,
  type ProviderRequest,
  type RecipientResults,
} from "@posthorn/core";
import { type PostalFeatures, postalFeatures } from "./features.js";
import { buildPayload } from "./payload.js";

/** Options of {@link PostalBackend}. */
export interface PostalOptions extends BackendOptions<PostalFeatures> {
  /** API key. Environment: `POSTAL_API_KEY`. */
  readonly apiKey?: string | undefined;
}

/** Sends through Postal. Subclass it to override `createSession()`. */
export class PostalBackend extends HttpBackend<PostalFeatures, PostalOptions> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: PostalOptions = {}) {
    super(
      {
        name: "Postal",
        envPrefix: "POSTAL",
        features: postalFeatures,
        options: { apiKey: { required: true, secret: true } },
        apiUrl: "https://postal.example/v1",
      },
      options,
    );
  }

  protected override buildRequests(message: NormalizedMessage): readonly ProviderRequest[] {
    const recipients = [...message.to, ...message.cc, ...message.bcc];
    return [{ path: "send", body: { json: buildPayload(message) }, recipients }];
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.options.apiKey}` };
  }

  protected override readAnswer(answer: ProviderAnswer): RecipientResults {
    const { id } = (answer.json() ?? {}) as { id?: unknown };
    if (typeof id !== "string") throw answer.error("answered without a message id", "accepted");
    return Object.fromEntries(
      answer.request.recipients.map(({ address }) => [address, { status: "queued", messageId: id }]),
    );
  }

  protected override readError(body: unknown): ErrorBody {
    const { message, code } = body as { message?: string; code?: string };
    return { message, code };
  }
}
