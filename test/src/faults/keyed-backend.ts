import type { BackendOptions, Features, RecipientResults } from "@posthorn/core";
import {
  HttpBackend,
  type NormalizedMessage,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
} from "@posthorn/core/provider";
import { features } from "../core/features.js";

const keyed = { ...features, idempotencyKey: true } as const satisfies Features;

/** A provider in its barest form; with an idempotency key or without. */
export class BareBackend extends HttpBackend<Features> {
  constructor(takesKey: boolean, options: BackendOptions, idempotencyWindow = Infinity) {
    super(
      {
        name: takesKey ? "Keyed" : "Keyless",
        envPrefix: "POSTHORN_TEST",
        features: takesKey ? keyed : features,
        options: {},
        idempotencyWindow,
      },
      options,
    );
  }
  protected override buildRequests(message: NormalizedMessage): readonly ProviderRequest[] {
    const headers = message.idempotencyKey ? { "idempotency-key": message.idempotencyKey } : {};
    const files = message.attachments.map(({ content }) => content.base64());
    return [
      { path: "send", headers, body: { json: { subject: message.subject, files } }, recipients: message.to },
    ];
  }
  protected override authHeaders(): Readonly<Record<string, string>> {
    return {};
  }
  protected override readResponse(answer: ProviderResponse): RecipientResults {
    const { id } = answer.json() as { id?: string };
    if (!id) throw answer.error("answered without an id", "accepted");
    return Object.fromEntries(
      answer.request.recipients.map(({ address }) => [address, { status: "queued", messageId: id }]),
    );
  }
  protected override readError(body: unknown): ProviderErrorInfo {
    return { message: (body as { message?: string }).message };
  }
}
