import {
  type BackendOptions,
  type ErrorBody,
  HttpBackend,
  type NormalizedMessage,
  type ProviderAnswer,
  type ProviderRequest,
  type RecipientResults,
} from "@posthorn/core";
import { type SendgridFeatures, sendgridFeatures } from "./features.js";
import { buildPayload } from "./payload.js";

/** Options of {@link SendgridBackend}. */
export interface SendgridOptions extends BackendOptions<SendgridFeatures> {
  /** API key. Environment: `SENDGRID_API_KEY`. */
  readonly apiKey?: string | undefined;
}

/** Sends through Sendgrid. Subclass it to override `createSession()`. */
export class SendgridBackend extends HttpBackend<SendgridFeatures, SendgridOptions> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: SendgridOptions = {}) {
    super(
      {
        name: "Sendgrid",
        envPrefix: "SENDGRID",
        features: sendgridFeatures,
        options: { apiKey: { required: true, secret: true } },
        apiUrl: "https://sendgrid.example/v1",
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
