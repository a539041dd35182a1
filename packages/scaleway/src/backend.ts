import {
  type BackendOptions,
  type ErrorBody,
  HttpBackend,
  lookUp,
  type NormalizedMessage,
  type ProviderAnswer,
  type ProviderRequest,
  type RecipientResult,
  type RecipientResults,
  type RecipientStatus,
  recipientGroups,
} from "@posthorn/core";
import { type ScalewayFeatures, scalewayFeatures } from "./features.js";
import { buildPayload } from "./payload.js";

/** Options of {@link ScalewayBackend}. */
export interface ScalewayOptions extends BackendOptions<ScalewayFeatures> {
  /** Secret key of an API key. Environment: `SCALEWAY_SECRET_KEY`. */
  readonly secretKey?: string | undefined;
  /** Id of the project to send for. Environment: `SCALEWAY_PROJECT_ID`. */
  readonly projectId?: string | undefined;
  /** Default `fr-par`. Environment: `SCALEWAY_REGION`. */
  readonly region?: string | undefined;
}

/** Scaleway's words for what becomes of an email. https://www.scaleway.com/en/developers/api/transactional-email/ */
const STATUSES: Readonly<Record<string, RecipientStatus>> = {
  new: "queued",
  sending: "queued",
  sent: "sent",
  failed: "failed",
  canceled: "failed",
};

/** Sends through Scaleway. Subclass it to override `createSession()`. */
export class ScalewayBackend extends HttpBackend<ScalewayFeatures, ScalewayOptions> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: ScalewayOptions = {}) {
    super(
      {
        name: "Scaleway",
        envPrefix: "SCALEWAY",
        features: scalewayFeatures,
        options: { secretKey: { required: true, secret: true }, projectId: { required: true }, region: {} },
        apiUrl: "https://api.scaleway.com/transactional-email/v1alpha1",
      },
      options,
    );
  }

  protected override buildRequests(message: NormalizedMessage): readonly ProviderRequest[] {
    const { region = "fr-par", projectId = "" } = this.options;
    return recipientGroups(message).map((to) => ({
      path: `regions/${encodeURIComponent(region)}/emails`,
      body: { json: buildPayload(message, to, projectId) },
      recipients: [...to, ...message.cc, ...message.bcc],
    }));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { "x-auth-token": this.options.secretKey ?? "" };
  }

  protected override readAnswer(answer: ProviderAnswer): RecipientResults {
    const { emails } = (answer.json() ?? {}) as {
      emails?: readonly { readonly id: string; readonly mail_rcpt: string; readonly status: string }[];
    };
    if (!Array.isArray(emails)) throw answer.error("answered without emails", "accepted");
    const written = new Map(answer.request.recipients.map(({ email, address }) => [email, address]));
    return Object.fromEntries(
      emails.map(({ id, mail_rcpt, status }): [string, RecipientResult] => [
        written.get(mail_rcpt) ?? mail_rcpt,
        { status: lookUp(STATUSES, status) ?? "unknown", messageId: id },
      ]),
    );
  }

  // https://www.scaleway.com/en/developers/api/#statuses-and-error-handling
  protected override readError(body: unknown): ErrorBody {
    const {
      message,
      type,
      details = [],
    } = body as {
      message?: string;
      type?: string;
      details?: readonly { argument_name?: string; help_message?: string; reason?: string }[];
    };
    const more = details.map(
      ({ argument_name, help_message, reason }) => `${argument_name}: ${help_message ?? reason}`,
    );
    return { message: [message, ...more].filter(Boolean).join("; "), code: type };
  }
}
