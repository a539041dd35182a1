import type { BackendOptions, RecipientResult, RecipientResults, RecipientStatus } from "@posthorn/core";
import {
  allRecipients,
  HttpBackend,
  type NormalizedMessage,
  ownProperty,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
  writtenAddresses,
} from "@posthorn/core/provider";
import { type ScalewayFeatures, type ScalewayMessage, scalewayFeatures } from "./features.js";
import { buildPayload, reportInternational } from "./payload.js";

/** Options of {@link ScalewayBackend}. */
export interface ScalewayOptions extends BackendOptions<ScalewayFeatures> {
  /** Secret key of an API key. Environment: `SCALEWAY_SECRET_KEY`. */
  readonly secretKey?: string | undefined;
  /** Id of the project to send for. Environment: `SCALEWAY_PROJECT_ID`. */
  readonly projectId?: string | undefined;
  /** Default `fr-par`. Environment: `SCALEWAY_REGION`. */
  readonly region?: string | undefined;
  /**
   * Base URL of the API, without `emails`; `{region}` in it stands for the region. Environment: `SCALEWAY_API_URL`.
   */
  readonly apiUrl?: string | undefined;
}

/** Scaleway's words for what becomes of an email. https://www.scaleway.com/en/developers/api/transactional-email/ */
const STATUSES: Readonly<Record<string, RecipientStatus>> = {
  new: "queued",
  sending: "queued",
  sent: "sent",
  failed: "failed",
  canceled: "failed",
};

/** Flags of failed emails that are never tried: on the blocklist, or known to have no mailbox. */
const REJECTED: readonly string[] = ["blocklisted", "mailbox_not_found"];

/** Sends through Scaleway. Subclass it to override `createSession()`. */
export class ScalewayBackend extends HttpBackend<ScalewayFeatures, ScalewayOptions, ScalewayMessage> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: ScalewayOptions = {}) {
    super(
      {
        name: "Scaleway",
        envPrefix: "SCALEWAY",
        features: scalewayFeatures,
        options: { secretKey: { required: true, secret: true }, projectId: { required: true }, region: {} },
        apiUrl: "https://api.scaleway.com/transactional-email/v1alpha1/regions/{region}",
        // Each request is one message, seen by all its recipients.
        splitsBatch: () => true,
      },
      options,
    );
  }

  protected override buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): readonly ProviderRequest[] {
    const { region = "fr-par", projectId = "" } = this.options;
    const base = this.apiUrl.replaceAll("{region}", () => encodeURIComponent(region));
    reportInternational(message, report);
    return [
      {
        path: `${base}emails`,
        body: { json: buildPayload(message, projectId) },
        recipients: allRecipients(message),
      },
    ];
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { "x-auth-token": this.options.secretKey ?? "" };
  }

  protected override readResponse(response: ProviderResponse): RecipientResults {
    const { emails } = (response.json() ?? {}) as {
      emails?: readonly ScalewayEmail[];
    };
    if (!Array.isArray(emails)) throw response.error("answered without emails", "accepted");
    const written = writtenAddresses(response.request.recipients);
    return Object.fromEntries(
      emails.map((email): [string, RecipientResult] => [written(email.mail_rcpt), readEmail(email)]),
    );
  }

  // https://www.scaleway.com/en/developers/api/#statuses-and-error-handling
  protected override readError(body: unknown): ProviderErrorInfo {
    const { message, help_message, type, details = [], reset_seconds: seconds } = body as ErrorBody;
    const parts = new Set([message, help_message, ...details.map(explain)]);
    return {
      message: [...parts].filter(Boolean).join("; "),
      code: type,
      // The resource is being changed by another request.
      retryable: type === "transient_state" || undefined,
      retryAt: typeof seconds === "number" ? new Date(this.session.clock.now() + seconds * 1000) : undefined,
    };
  }
}

/** What Scaleway says of one recipient. https://www.scaleway.com/en/developers/api/transactional-email/ */
interface ScalewayEmail {
  readonly id: string;
  readonly mail_rcpt: string;
  readonly status: string;
  readonly status_details?: string | null;
  readonly flags?: readonly string[];
}

function readEmail({ id, status: word, status_details: details, flags }: ScalewayEmail): RecipientResult {
  const status = ownProperty(STATUSES, word) ?? "unknown";
  if (status !== "failed") return { status, messageId: id };
  const flag = flags?.find((each) => REJECTED.includes(each));
  return {
    status: flag ? "rejected" : status,
    messageId: id,
    reason: { code: flag ?? word, message: details || flag || word, retryable: false },
  };
}

interface ErrorBody {
  readonly message?: string;
  readonly help_message?: string;
  readonly type?: string;
  readonly details?: readonly ErrorDetail[];
  /** With `too_many_requests`. https://github.com/scaleway/scaleway-sdk-js */
  readonly reset_seconds?: number;
}

/** What is wrong: an argument, a quota or a permission. */
interface ErrorDetail {
  readonly argument_name?: string;
  readonly help_message?: string;
  readonly reason?: string;
  readonly resource?: string;
  readonly action?: string;
  readonly quota?: number;
  readonly current?: number;
}

function explain(detail: ErrorDetail): string {
  const subject = detail.argument_name ?? [detail.action, detail.resource].filter(Boolean).join(" ");
  const quota = detail.quota === undefined ? undefined : `${detail.current} of ${detail.quota}`;
  return [subject, detail.help_message ?? detail.reason ?? quota].filter(Boolean).join(": ");
}
