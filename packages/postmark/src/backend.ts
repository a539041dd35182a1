import {
  type BackendOptions,
  InvalidMessageError,
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
} from "@posthorn/core/provider";
import { type PostmarkFeatures, type PostmarkMessage, postmarkFeatures } from "./features.js";
import { buildPayloads } from "./payload.js";
import { isPostmarkResponse, type PostmarkResponse, readMessage, refused } from "./response.js";

/** Options of {@link PostmarkBackend}. */
export interface PostmarkOptions extends BackendOptions<PostmarkFeatures> {
  /**
   * Token of the server to send through. A message's `espExtra.server_token` takes its place. Environment:
   * `POSTMARK_SERVER_TOKEN`.
   */
  readonly serverToken?: string | undefined;
}

/** Sends through Postmark. Subclass it to override `createSession()`. */
export class PostmarkBackend extends HttpBackend<PostmarkFeatures, PostmarkOptions, PostmarkMessage> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: PostmarkOptions = {}) {
    super(
      {
        name: "Postmark",
        envPrefix: "POSTMARK",
        features: postmarkFeatures,
        options: { serverToken: { required: true, secret: true } },
        apiUrl: "https://api.postmarkapp.com",
      },
      options,
    );
  }

  protected override buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): readonly ProviderRequest[] {
    const token = ownToken(message);
    const own = token ? { headers: tokenHeader(token), secrets: [token] } : {};
    return buildPayloads(message, report).map(({ path, body, to }) => ({
      path,
      ...own,
      body: { json: body },
      // A 422 can be a response about recipients.
      readable: [422],
      recipients: allRecipients(message, to),
    }));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return tokenHeader(this.options.serverToken ?? "");
  }

  protected override readResponse(response: ProviderResponse): RecipientResults {
    const body = response.json();
    const batch = Array.isArray(body);
    const entries: readonly unknown[] = batch ? body : [body];
    if (!entries.every(isPostmarkResponse)) {
      const delivery = response.status < 300 ? "accepted" : "not-sent";
      throw response.error(
        `answered ${response.status} with something other than the state of each message`,
        delivery,
      );
    }
    const { message, request } = response;
    const unknown = (): RecipientResult => ({ status: "unknown", messageId: null });
    const visible = message.isBatch ? request.recipients : message.to;
    const results: Record<string, RecipientResult> = {};
    if (!batch) for (const { address } of visible) results[address] = unknown();
    for (const [index, entry] of entries.entries()) {
      const to = batch ? request.recipients.slice(index, index + 1) : message.to;
      const recipients = allRecipients(message, to);
      Object.assign(results, this.readEntry(response, entry, recipients, batch));
      if (entry.ErrorCode !== 0) continue;
      // The response to a single message does not name the recipients of copies, who have it, too.
      for (const { address } of [...message.cc, ...message.bcc]) {
        results[address] ??= { status: "sent", messageId: entry.MessageID ?? null };
      }
    }
    return results;
  }

  // https://postmarkapp.com/developer/api/overview#error-codes
  protected override readError(body: unknown): ProviderErrorInfo {
    const { ErrorCode, Message } = body as PostmarkResponse;
    const isMaintenance = ErrorCode === 100;
    return {
      code: ErrorCode,
      message: Message,
      refused: isMaintenance,
      retryable: isMaintenance || undefined,
    };
  }

  private readEntry(
    response: ProviderResponse,
    entry: PostmarkResponse,
    recipients: ProviderRequest["recipients"],
    batch: boolean,
  ): RecipientResults {
    const results = readMessage(entry, recipients);
    if (results) return results;
    if (!batch) throw response.error(entry.Message, "not-sent", { code: entry.ErrorCode });
    // Recipients of copies have one of each of the others.
    return Object.fromEntries(
      recipients.slice(0, 1).map(({ address }) => [address, refused("failed", entry)]),
    );
  }
}

function tokenHeader(token: string): Readonly<Record<string, string>> {
  return { "x-postmark-server-token": token };
}

/** @throws InvalidMessageError when `espExtra.server_token` is not a string */
function ownToken({ espExtra }: NormalizedMessage): string | undefined {
  const field = "espExtra.server_token";
  const { server_token: token } = espExtra;
  if (token === undefined || typeof token === "string") return token;
  throw new InvalidMessageError(`"${field}" must be a string`, { field, provider: "Postmark" });
}
