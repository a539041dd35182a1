import {
  type BackendOptions,
  ConfigurationError,
  type RecipientResult,
  type RecipientResults,
} from "@posthorn/core";
import {
  allRecipients,
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
  readEnv,
} from "@posthorn/core/provider";
import { type AmazonSesFeatures, type AmazonSesMessage, amazonSesFeatures } from "./features.js";
import { hashBody, scriptHashes } from "./hashes.js";
import { buildPayloads, splitsBatch } from "./payload.js";
import { type AwsCredentials, signRequest } from "./sigv4.js";

/** Options of {@link AmazonSesBackend}. */
export interface AmazonSesOptions extends BackendOptions<AmazonSesFeatures> {
  /** Environment: `AMAZON_SES_ACCESS_KEY_ID`, `AWS_ACCESS_KEY_ID`. */
  readonly accessKeyId?: string | undefined;
  /** Environment: `AMAZON_SES_SECRET_ACCESS_KEY`, `AWS_SECRET_ACCESS_KEY`. */
  readonly secretAccessKey?: string | undefined;
  /** With temporary credentials. Environment: `AMAZON_SES_SESSION_TOKEN`, `AWS_SESSION_TOKEN`. */
  readonly sessionToken?: string | undefined;
  /** Gives credentials that are refreshed; asked before each attempt, so it should keep what it has. */
  readonly credentials?: (() => AwsCredentials | Promise<AwsCredentials>) | undefined;
  /** Such as `eu-west-1`. Environment: `AMAZON_SES_REGION`, `AWS_REGION`, `AWS_DEFAULT_REGION`. */
  readonly region?: string | undefined;
  /** The configuration set of every message. Environment: `AMAZON_SES_CONFIGURATION_SET_NAME`. */
  readonly configurationSetName?: string | undefined;
  /** Sends a message's tag as a message tag of this name, too. Environment: `AMAZON_SES_MESSAGE_TAG_NAME`. */
  readonly messageTagName?: string | undefined;
}

/** Milliseconds that a signature's time may be off; Amazon allows five minutes. */
const CLOCK_TOLERANCE = 60_000;
const REGION_VARIABLES = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const PATHS = {
  SendEmail: "v2/email/outbound-emails",
  SendBulkEmail: "v2/email/outbound-bulk-emails",
} as const;

/** Sends through Amazon SES. Subclass it to override `createSession()`. */
export class AmazonSesBackend extends HttpBackend<AmazonSesFeatures, AmazonSesOptions, AmazonSesMessage> {
  /** Milliseconds to add to this machine's time for SES's. */
  private clockSkew = 0;
  /** Responses already looked at, so that each corrects the clock once. */
  private readonly corrections = new WeakMap<object, boolean>();

  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: AmazonSesOptions = {}) {
    const region = options?.region ?? ["AMAZON_SES_REGION", ...REGION_VARIABLES].map(readEnv).find(Boolean);
    const hasProvider = options?.credentials !== undefined;
    super(
      {
        name: "Amazon SES",
        envPrefix: "AMAZON_SES",
        features: amazonSesFeatures,
        options: {
          accessKeyId: { required: !hasProvider, alsoEnv: ["AWS_ACCESS_KEY_ID"] },
          secretAccessKey: { required: !hasProvider, secret: true, alsoEnv: ["AWS_SECRET_ACCESS_KEY"] },
          sessionToken: { secret: true, alsoEnv: ["AWS_SESSION_TOKEN"] },
          credentials: { type: "function", env: false },
          region: { required: true, alsoEnv: REGION_VARIABLES },
          configurationSetName: {},
          messageTagName: {},
        },
        apiUrl: `https://email.${region ?? ""}.${domainOf(region ?? "")}`,
        splitsBatch,
      },
      options,
    );
    // It becomes part of a host's name.
    if (this.options.region && !/^[a-z0-9-]+$/.test(this.options.region)) {
      throw new ConfigurationError('Amazon SES: option "region" must be a name such as "eu-west-1"', {
        provider: this.provider,
      });
    }
  }

  protected override async buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): Promise<readonly ProviderRequest[]> {
    const { configurationSetName, messageTagName } = this.options;
    const payloads = await buildPayloads(message, { configurationSetName, messageTagName }, report);
    return payloads.map(({ operation, body, to }) => ({
      path: PATHS[operation],
      body: { json: body },
      recipients: allRecipients(message, to),
    }));
  }

  // Each attempt is signed on its own.
  protected override authHeaders(): Readonly<Record<string, string>> {
    return {};
  }

  protected override async sign(
    request: Parameters<NonNullable<HttpBackend<AmazonSesFeatures>["sign"]>>[0],
    now: number,
  ): Promise<Readonly<Record<string, string>>> {
    const { accessKeyId = "", secretAccessKey = "", sessionToken, region = "" } = this.options;
    const credentials = (await this.options.credentials?.()) ?? {
      accessKeyId,
      secretAccessKey,
      sessionToken,
    };
    const bodyHash = await hashBody(request.body);
    const scope = { region, service: "ses", now: now + this.clockSkew };
    return signRequest({ ...request, bodyHash }, credentials, scope, scriptHashes);
  }

  protected override readResponse(response: ProviderResponse): RecipientResults {
    const { MessageId, BulkEmailEntryResults: entries } = (response.json() ?? {}) as {
      MessageId?: unknown;
      BulkEmailEntryResults?: unknown;
    };
    if (typeof MessageId === "string") {
      return response.everyRecipient({ status: "queued", messageId: MessageId });
    }
    if (!Array.isArray(entries)) throw response.error("answered without a message id", "accepted");
    return this.readBulk(response, entries as readonly BulkEntry[]);
  }

  /**
   * The name of an error is in a header, for some errors in the body.
   *
   * @see https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
   * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
   */
  protected override readError(body: unknown, headers: Readonly<Record<string, string>>): ProviderErrorInfo {
    const { message, Message, code, __type } = (body ?? {}) as Record<string, unknown>;
    const name = [headers["x-amzn-errortype"], code, __type].find((value) => typeof value === "string") as
      | string
      | undefined;
    const text = message ?? Message;
    const explanation = typeof text === "string" ? text : undefined;
    const errorCode = name?.replace(/:.*/s, "").replace(/^.*#/s, "");
    return {
      message: explanation,
      code: errorCode,
      retryable: this.correctsClock(errorCode, explanation, headers) || isThrottled(errorCode, explanation),
    };
  }

  /**
   * Whether the signature was refused for its time. Then the next ones have the time of the response's `Date`.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
   */
  private correctsClock(code = "", message = "", headers: Readonly<Record<string, string>>): boolean {
    const known = this.corrections.get(headers);
    if (known !== undefined) return known;
    const time = Date.parse(headers["date"] ?? "");
    const now = this.session.clock.now();
    const [, signed] = /(\d{8}T\d{6}Z) is (?:now earlier|still later)/.exec(message) ?? [];
    const signedAt = signed
      ? Date.parse(signed.replace(/(....)(..)(.....)(..)/, "$1-$2-$3:$4:"))
      : now + this.clockSkew;
    const corrects =
      /Signature|RequestExpired|Skewed|InTheFuture/.test(code) && Math.abs(time - signedAt) > CLOCK_TOLERANCE;
    if (corrects) this.clockSkew = time - now;
    this.corrections.set(headers, corrects);
    return corrects;
  }

  private readBulk(response: ProviderResponse, entries: readonly BulkEntry[]): RecipientResults {
    // When no entry was sent, the cause is in the request: a missing template, a sender that is not verified.
    const failed = entries.filter(({ Status }) => Status !== "SUCCESS");
    if (failed[0] && failed.length === entries.length) {
      const { Status, Error: why = `answered with the status ${Status}` } = failed[0];
      const retryable = failed.every((entry) => isTransient(entry.Status));
      throw response.error(why, "not-sent", { code: Status, retryable });
    }
    const { isBatch } = response.message;
    return Object.fromEntries(
      response.request.recipients.map(({ address }, index): [string, RecipientResult] => {
        // Recipients of copies of a batch have no entry of their own.
        const entry = entries[isBatch ? index : 0];
        if (!entry) return [address, { status: "queued", messageId: null }];
        if (entry.Status !== "SUCCESS") return [address, failedEntry(entry)];
        return [address, { status: "queued", messageId: entry.MessageId ?? null }];
      }),
    );
  }
}

/** Suffix of a region's host names. https://docs.aws.amazon.com/general/latest/gr/ses.html */
function domainOf(region: string): string {
  if (region.startsWith("eusc-")) return "amazonaws.eu";
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/**
 * Whether an error says that there were too many requests, which SES does with a 400 or a 429. The quota of a day
 * comes under the same name, and waiting minutes does not help against it.
 *
 * @see https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
 */
function isThrottled(code = "", message = ""): boolean | undefined {
  if (!/Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/.test(code)) return undefined;
  return !/daily message quota/i.test(message);
}

function failedEntry({ Status: code, Error: message = code }: BulkEntry): RecipientResult {
  return { status: "failed", messageId: null, reason: { code, message, retryable: isTransient(code) } };
}

/** Whether an entry's status may be another one later. */
function isTransient(status: string): boolean {
  return status === "ACCOUNT_THROTTLED" || status === "TRANSIENT_FAILURE";
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html */
interface BulkEntry {
  readonly Status: string;
  readonly Error?: string;
  readonly MessageId?: string;
}
