import {
  type BackendOptions,
  ConfigurationError,
  type RecipientResult,
  type RecipientResults,
} from "@posthorn/core";
import {
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type ReportUnsupported,
  readEnv,
} from "@posthorn/core/provider";
import { hashBody } from "./body-hash.js";
import { type AmazonSesFeatures, amazonSesFeatures } from "./features.js";
import { buildPayloads } from "./payload.js";
import { scriptHashes } from "./script-hashes.js";
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

const REGION_VARIABLES = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const PATHS = {
  SendEmail: "v2/email/outbound-emails",
  SendBulkEmail: "v2/email/outbound-bulk-emails",
} as const;

/** Sends through Amazon SES. Subclass it to override `createSession()`. */
export class AmazonSesBackend extends HttpBackend<AmazonSesFeatures, AmazonSesOptions> {
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
        // https://docs.aws.amazon.com/general/latest/gr/ses.html
        apiUrl: `https://email.${region ?? ""}.amazonaws.com${region?.startsWith("cn-") ? ".cn" : ""}`,
      },
      options,
    );
    if (!/^[a-z0-9-]+$/.test(this.options.region ?? "")) {
      throw new ConfigurationError('Amazon SES: option "region" is a name such as "eu-west-1"', {
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
      recipients: [...to, ...message.cc, ...message.bcc],
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
    return signRequest({ ...request, bodyHash }, credentials, { region, service: "ses", now }, scriptHashes);
  }

  protected override readResponse(response: ProviderResponse): RecipientResults {
    const { MessageId, BulkEmailEntryResults: entries } = (response.json() ?? {}) as {
      MessageId?: unknown;
      BulkEmailEntryResults?: unknown;
    };
    const { message, request } = response;
    if (typeof MessageId === "string") {
      return Object.fromEntries(
        request.recipients.map(({ address }) => [address, { status: "queued", messageId: MessageId }]),
      );
    }
    if (!Array.isArray(entries)) throw response.error("answered without a message id", "accepted");
    return this.readBulk(response, entries as readonly BulkEntry[], message.isBatch);
  }

  // https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
  protected override readError(body: unknown): ProviderErrorInfo {
    const { message, Message, __type } = body as { message?: string; Message?: string; __type?: string };
    return { message: message ?? Message, code: __type };
  }

  private readBulk(
    response: ProviderResponse,
    entries: readonly BulkEntry[],
    isBatch: boolean,
  ): RecipientResults {
    // When no entry went, it lies with the request: a template that is not there, a sender that is not verified.
    const failed = entries.find(({ Status }) => Status !== "SUCCESS");
    if (failed && entries.every(({ Status }) => Status !== "SUCCESS")) {
      throw response.error(failed.Error ?? `answered with the status ${failed.Status}`, "not-sent", {
        code: failed.Status,
      });
    }
    return Object.fromEntries(
      response.request.recipients.map(({ address }, index): [string, RecipientResult] => {
        // Those who get copies of a batch have no single entry of their own.
        const entry = entries[isBatch ? index : 0];
        if (!entry) return [address, { status: "queued", messageId: null }];
        if (entry.Status !== "SUCCESS") return [address, { status: "failed", messageId: null }];
        return [address, { status: "queued", messageId: entry.MessageId ?? null }];
      }),
    );
  }
}

/** https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html */
interface BulkEntry {
  readonly Status: string;
  readonly Error?: string;
  readonly MessageId?: string;
}
