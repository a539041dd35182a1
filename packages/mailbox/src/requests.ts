import { messageOf } from "./content.js";
import { type DryRunRequest, type Message, PosthornError, UnsupportedFeatureError } from "./core.js";
import type { StoredContent } from "./stored-message.js";

/** A backend of any provider, for its requests alone. */
export interface PreviewBackend {
  /** Display name. */
  readonly provider: string;
  dryRun(message: never): Promise<readonly DryRunRequest[]>;
}

/** What a provider would be sent for a message. */
export interface ProviderPreview {
  readonly provider: string;
  /** The provider's requests, secrets replaced; empty when the message cannot go there. */
  readonly requests: readonly PreviewRequest[];
  /** Fields that the provider does not support, with its reason. The requests are those without them. */
  readonly unsupported: readonly { readonly field: string; readonly reason: string }[];
  /** Why the message cannot go there even without these fields. */
  readonly error: {
    readonly name: string;
    readonly message: string;
    readonly field: string | undefined;
  } | null;
}

/** A request as the page shows it. */
interface PreviewRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Long values, such as attachments, are cut. */
  readonly body: string;
}

/** A string in a body that is longer is cut: an attachment in base64 tells nobody anything. */
const LONGEST_VALUE = 4_000;
const LONGEST_BODY = 200_000;

/** What `backend` would send for a message, found without sending anything. */
export async function previewRequests(
  backend: PreviewBackend,
  content: StoredContent,
): Promise<ProviderPreview> {
  const unsupported: { field: string; reason: string }[] = [];
  let message: Message = messageOf(content);
  const { provider } = backend;
  for (;;) {
    try {
      const requests = await backend.dryRun(message as never);
      return { provider, unsupported, error: null, requests: await Promise.all(requests.map(shown)) };
    } catch (error) {
      const field = error instanceof UnsupportedFeatureError ? error.field : undefined;
      if (field === undefined || !Object.hasOwn(message, field)) {
        return { provider, unsupported, requests: [], error: describe(error) };
      }
      unsupported.push({ field, reason: (error as Error).message });
      message = without(message, field as keyof Message, unsupported);
    }
  }
}

/** The message without a field, or with what of it the provider may take. */
function without(
  message: Message,
  field: keyof Message,
  unsupported: readonly { readonly field: string }[],
): Message {
  const isFirst = unsupported.filter((entry) => entry.field === field).length === 1;
  const value = message[field];
  if (isFirst && Array.isArray(value) && value.length > 1 && (field === "tags" || field === "replyTo"))
    return { ...message, [field]: value.slice(0, 1) };
  if (isFirst && field === "attachments" && Array.isArray(value)) {
    const attachments = message.attachments?.map(({ contentId: _, ...file }) => ({
      ...file,
      disposition: "attachment" as const,
    }));
    return { ...message, attachments };
  }
  const { [field]: _, ...rest } = message;
  return rest as Message;
}

function describe(error: unknown): NonNullable<ProviderPreview["error"]> {
  if (!(error instanceof PosthornError)) return { name: "Error", message: String(error), field: undefined };
  const { field } = error as { readonly field?: unknown };
  return { name: error.name, message: error.message, field: typeof field === "string" ? field : undefined };
}

async function shown({ method, url, headers, body }: DryRunRequest): Promise<PreviewRequest> {
  const text = typeof body === "string" ? body : await body.text();
  return { method, url, headers, body: readable(text) };
}

function readable(body: string): string {
  try {
    const short = (_key: string, value: unknown): unknown =>
      typeof value === "string" && value.length > LONGEST_VALUE
        ? `${value.slice(0, 200)}… (${value.length} characters)`
        : value;
    return JSON.stringify(JSON.parse(body, short), null, 2);
  } catch {
    return body.length > LONGEST_BODY ? `${body.slice(0, LONGEST_BODY)}…` : body;
  }
}
