import { contentOfNormalized, messageOf } from "./content.js";
import {
  type Backend,
  type BackendOptions,
  ConfigurationError,
  type Features,
  HttpBackend,
  type Message,
  type NormalizedMessage,
  PosthornError,
  type ProviderErrorInfo,
  type ProviderRequest,
  type ProviderResponse,
  type RecipientResults,
} from "./core.js";
import type { PreviewBackend } from "./requests.js";
import type { StoredContent } from "./stored-message.js";

/** Whose features and checks a development backend has: a provider's features, its backend, or its factory. */
export type Like<F extends Features> = F | Backend<F> | (() => Backend<F>);

/** Options that development backends share with all others. */
export type SinkOptions<F extends Features> = Pick<
  BackendOptions<F>,
  "sendDefaults" | "unsupported" | "ignoreRecipientStatus" | "preSend" | "postSend" | "clock" | "timeout"
>;

/** Keeps a message and says what became of each recipient. */
type Deliver = (
  content: StoredContent,
) => Promise<{ readonly id: string; readonly recipients: RecipientResults }>;

/** Where messages of a development backend go: a function in this process, or a mailbox in another. */
export type Sink = { readonly deliver: Deliver } | { readonly url: string };

const IN_PROCESS = "http://mailbox.localhost/";

/**
 * A backend that sends nothing. It is an ordinary provider whose API is a function, so that hooks, defaults, checks,
 * batches, aborts and errors are those of every other backend.
 */
export class SinkBackend<F extends Features> extends HttpBackend<F> {
  private readonly model: Backend<F> | undefined;

  constructor(name: string, like: Like<F>, sink: Sink, options: SinkOptions<F> = {}) {
    const { features, backend } = likeness(name, like);
    const isRemote = "url" in sink;
    super({ name, envPrefix: "POSTHORN_MAILBOX", features, options: {} }, {
      ...options,
      apiUrl: isRemote ? sink.url : IN_PROCESS,
      // A function in the same process does not fail by chance.
      ...(isRemote ? {} : { retry: false, fetch: inProcess(sink.deliver) }),
    } as BackendOptions<F>);
    this.model = backend;
  }

  /** The backend of `like`, by its name. */
  protected modelByName(): Readonly<Record<string, PreviewBackend>> {
    return this.model ? { [this.model.provider]: this.model } : {};
  }

  protected async buildRequests(message: NormalizedMessage): Promise<readonly ProviderRequest[]> {
    const json = messageOf(await contentOfNormalized(message));
    // The real backend refuses what its features alone do not tell: limits, formats, combinations.
    try {
      await this.model?.dryRun(json as Parameters<Backend<F>["send"]>[0]);
    } catch (cause) {
      // A key that is missing is reported at first use.
      throw cause instanceof ConfigurationError ? likeFailed(this.provider, cause) : cause;
    }
    return [
      {
        path: "api/messages",
        body: { json: json as never },
        recipients: [...message.to, ...message.cc, ...message.bcc],
      },
    ];
  }

  protected authHeaders(): Readonly<Record<string, string>> {
    return {};
  }

  protected readResponse(response: ProviderResponse): RecipientResults {
    const body = response.json() as { readonly recipients?: RecipientResults } | null;
    if (typeof body?.recipients !== "object")
      throw response.error("the response has no recipients: is this URL a mailbox?", "unknown");
    return body.recipients;
  }

  protected readError(body: unknown): ProviderErrorInfo {
    const message = (body as { readonly error?: unknown } | null)?.error;
    return typeof message === "string" ? { message } : {};
  }
}

function likeness<F extends Features>(
  name: string,
  like: Like<F>,
): { readonly features: F; readonly backend?: Backend<F> } {
  let made: F | Backend<F>;
  try {
    made = typeof like === "function" ? like() : like;
  } catch (cause) {
    if (!(cause instanceof PosthornError)) throw cause;
    throw likeFailed(name, cause);
  }
  return "send" in made ? { features: made.features, backend: made } : { features: made };
}

function likeFailed(name: string, cause: PosthornError): ConfigurationError {
  return new ConfigurationError(
    `${name}: option "like" must make a backend, and it failed: ${cause.message}. Give it made-up credentials, ` +
      `such as like: () => resend({ apiKey: "development" }), or pass the provider's features: like: resendFeatures`,
    { provider: name, cause },
  );
}

function inProcess(deliver: Deliver): NonNullable<BackendOptions["fetch"]> {
  return async (input, init) => {
    const { contentOf } = await import("./content.js");
    const message = (await new Request(input as string, init as RequestInit).json()) as Message;
    return Response.json(await deliver(await contentOf(message)));
  };
}
