import type {
  Address,
  BackendOptions,
  RecipientReason,
  RecipientResult,
  RecipientResults,
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
import { type MailtrapFeatures, type MailtrapMessage, mailtrapFeatures } from "./features.js";
import { buildPayloads } from "./payload.js";

/** Options of {@link MailtrapBackend}. */
export interface MailtrapOptions extends BackendOptions<MailtrapFeatures> {
  /** API token. Environment: `MAILTRAP_API_TOKEN`. */
  readonly apiToken?: string | undefined;
  /** Id of a sandbox inbox to send to instead of real recipients. Environment: `MAILTRAP_SANDBOX_ID`. */
  readonly sandboxId?: string | number | undefined;
  /** Base URL of the API: `https://bulk.api.mailtrap.io/api` for bulk streams. Environment: `MAILTRAP_API_URL`. */
  readonly apiUrl?: string | undefined;
}

/**
 * Mailtrap's edge may block requests that name no client, such as those of Cloudflare Workers.
 *
 * @see https://github.com/mailtrap/mailtrap-openapi (`servers[0].description` of email-sending)
 */
const USER_AGENT = { "user-agent": "posthorn" };
const LIVE_URL = "https://send.api.mailtrap.io/api";
const SANDBOX_URL = "https://sandbox.api.mailtrap.io/api";

/** What Mailtrap says of one message. */
interface MessageResponse {
  readonly success?: boolean;
  readonly message_ids?: readonly string[];
  readonly errors?: readonly string[];
}

/** Sends through Mailtrap. Subclass it to override `createSession()`. */
export class MailtrapBackend extends HttpBackend<MailtrapFeatures, MailtrapOptions, MailtrapMessage> {
  /** @throws ConfigurationError for a missing, unknown or malformed option */
  constructor(options: MailtrapOptions = {}) {
    super(
      {
        name: "Mailtrap",
        envPrefix: "MAILTRAP",
        features: mailtrapFeatures,
        options: { apiToken: { required: true, secret: true }, sandboxId: { type: "string-or-number" } },
        apiUrl: LIVE_URL,
      },
      options,
    );
  }

  protected override buildRequests(
    message: NormalizedMessage,
    report: ReportUnsupported,
  ): readonly ProviderRequest[] {
    return buildPayloads(message, report).map(({ batch, body, to }) => ({
      path: this.endpoint(batch ? "batch" : "send"),
      headers: USER_AGENT,
      body: { json: body },
      recipients: allRecipients(message, to),
    }));
  }

  protected override authHeaders(): Readonly<Record<string, string>> {
    return { "api-token": this.options.apiToken ?? "" };
  }

  // A batch answers 200 even when messages of it fail: each has an entry of its own.
  protected override readResponse(response: ProviderResponse): RecipientResults {
    const body = (response.json() ?? {}) as MessageResponse & { responses?: readonly MessageResponse[] };
    const { message, request } = response;
    const responses = message.isBatch && Array.isArray(body.responses) ? body.responses : undefined;
    // A message's own word counts: a batch can be a success of which every message was refused.
    const taken = responses?.length
      ? responses.some(({ success }) => success !== false)
      : body.success === true;
    if (!taken || body.errors?.length) {
      const all = [...(body.errors ?? []), ...(responses ?? []).flatMap(({ errors = [] }) => errors)];
      const errors = [...new Set(all)].join("; ") || "no explanation";
      throw response.error(
        `answered ${response.status}, but not with success: ${errors}`,
        taken ? "accepted" : "not-sent",
      );
    }
    if (!message.isBatch) {
      const results = readMessage(body, request.recipients);
      if (!results) throw response.error("answered without an id for each recipient", "accepted");
      return results;
    }
    if (!responses) throw response.error("answered without an entry for each message", "accepted");
    const copies = [...message.cc, ...message.bcc];
    const to = request.recipients.slice(0, request.recipients.length - copies.length);
    const results: Record<string, RecipientResult> = {};
    for (const [index, address] of to.entries()) {
      const one = responses[index];
      const sent = one?.success ? readMessage(one, [address, ...copies]) : undefined;
      if (sent) {
        Object.assign(results, sent);
        continue;
      }
      const failed: RecipientResult =
        one?.success === false
          ? { status: "failed", messageId: null, reason: reasonOf(one) }
          : { status: "unknown", messageId: null };
      results[address.address] = failed;
      // A copy that went with another recipient's message was sent.
      for (const copy of copies) results[copy.address] ??= failed;
    }
    return results;
  }

  // {"success": false, "error": "…"} or {"errors": ["…"]}
  protected override readError(body: unknown): ProviderErrorInfo {
    const { error, errors } = body as { error?: string; errors?: readonly string[] };
    return { message: error ?? errors?.join("; ") };
  }

  /** A sandbox has a host of its own, unless the caller named one, and its inbox in the path. */
  private endpoint(action: "send" | "batch"): string {
    const { sandboxId, apiUrl } = this.options;
    if (sandboxId === undefined || sandboxId === "") return action;
    return `${apiUrl ? "" : `${SANDBOX_URL}/`}${action}/${sandboxId}`;
  }
}

function reasonOf({ errors = [] }: MessageResponse): RecipientReason {
  return { message: errors.join("; ") || "no explanation", retryable: false };
}

/** Ids come in the order to, cc, bcc; a sandbox gives one for all. */
function readMessage(
  { message_ids: ids }: MessageResponse,
  recipients: readonly Address[],
): RecipientResults | undefined {
  const addresses = recipients.map(({ address }) => address);
  if (!ids || (ids.length !== addresses.length && ids.length !== 1)) return undefined;
  return Object.fromEntries(
    addresses.map((address, index): [string, RecipientResult] => [
      address,
      { status: "queued", messageId: ids[ids.length === 1 ? 0 : index] ?? null },
    ]),
  );
}
