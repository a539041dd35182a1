import {
  type BackendOptions,
  type ErrorBody,
  HttpBackend,
  InvalidMessageError,
  type NormalizedMessage,
  type ProviderAnswer,
  type ProviderRequest,
  type RecipientResult,
  type RecipientResults,
  type ReportUnsupported,
} from "@posthorn/core";
import { isAnswer, type PostmarkAnswer, readMail } from "./answer.js";
import { type PostmarkFeatures, postmarkFeatures } from "./features.js";
import { buildPayloads } from "./payload.js";

/** Options of {@link PostmarkBackend}. */
export interface PostmarkOptions extends BackendOptions<PostmarkFeatures> {
  /**
   * Token of the server to send through. A message's `espExtra.server_token` wins over it. Environment:
   * `POSTMARK_SERVER_TOKEN`.
   */
  readonly serverToken?: string | undefined;
}

/** Sends through Postmark. Subclass it to override `createSession()`. */
export class PostmarkBackend extends HttpBackend<PostmarkFeatures, PostmarkOptions> {
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
      // A 422 can be an answer about recipients.
      readable: [422],
      recipients: [...to, ...message.cc, ...message.bcc],
    }));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return tokenHeader(this.options.serverToken ?? "");
  }

  protected override readAnswer(answer: ProviderAnswer): RecipientResults {
    const body = answer.json();
    const batch = Array.isArray(body);
    const entries: readonly unknown[] = batch ? body : [body];
    if (!entries.every(isAnswer)) {
      const delivery = answer.status < 300 ? "accepted" : "not-sent";
      throw answer.error(
        `answered ${answer.status} with something other than what became of each mail`,
        delivery,
      );
    }
    const { message, request } = answer;
    const unknown = (): RecipientResult => ({ status: "unknown", messageId: null });
    const visible = message.isBatch ? request.recipients : message.to;
    const results: Record<string, RecipientResult> = {};
    if (!batch) for (const { address } of visible) results[address] = unknown();
    for (const [index, entry] of entries.entries()) {
      const to = batch ? request.recipients.slice(index, index + 1) : message.to;
      const recipients = [...to, ...message.cc, ...message.bcc];
      Object.assign(results, this.readEntry(answer, entry, recipients, batch));
      if (entry.ErrorCode !== 0) continue;
      // A single mail's answer does not name the copies, which went with it.
      for (const { address } of [...message.cc, ...message.bcc]) {
        results[address] ??= { status: "sent", messageId: entry.MessageID ?? null };
      }
    }
    return results;
  }

  // https://postmarkapp.com/developer/api/overview#error-codes
  protected override readError(body: unknown): ErrorBody {
    const { ErrorCode, Message } = body as PostmarkAnswer;
    return { code: ErrorCode, message: Message };
  }

  private readEntry(
    answer: ProviderAnswer,
    entry: PostmarkAnswer,
    recipients: ProviderRequest["recipients"],
    batch: boolean,
  ): RecipientResults {
    const results = readMail(entry, recipients);
    if (results) return results;
    if (!batch) throw answer.error(entry.Message, "not-sent", { code: entry.ErrorCode });
    return Object.fromEntries(
      recipients.slice(0, 1).map(({ address }) => [address, { status: "failed", messageId: null }]),
    );
  }
}

function tokenHeader(token: string): Readonly<Record<string, string>> {
  return { "x-postmark-server-token": token };
}

/** @throws InvalidMessageError when `espExtra.server_token` is not text */
function ownToken({ espExtra }: NormalizedMessage): string | undefined {
  const field = "espExtra.server_token";
  const { server_token: token } = espExtra;
  if (token === undefined || typeof token === "string") return token;
  throw new InvalidMessageError(`"${field}" is not text`, { field, provider: "Postmark" });
}
