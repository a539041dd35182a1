import type { BackendOptions, Message, RecipientResults } from "@posthorn/core";
import * as core from "@posthorn/core/provider";
import { features } from "./features.js";

type Options = BackendOptions<typeof features> & { apiKey?: string };
type Info = core.ProviderInfo<typeof features>;

/** A made-up provider, over whichever copy of core. */
export interface TestBackend {
  make(options?: Options, info?: Partial<Info>): core.HttpBackend<typeof features, Options>;
}

/** @param read what becomes of each recipient, by the response */
export function testBackend(
  { HttpBackend }: typeof core = core,
  read: (response: core.ProviderResponse) => RecipientResults = (response) =>
    response.everyRecipient({ status: "queued", messageId: null }),
): TestBackend {
  class Test extends HttpBackend<typeof features, Options> {
    constructor(options: Options, info: Partial<Info>) {
      super(
        {
          name: "Test",
          envPrefix: "POSTHORN_TEST",
          features,
          options: { apiKey: { required: true, secret: true } },
          apiUrl: "http://127.0.0.1:1",
          ...info,
        },
        options,
      );
    }
    protected override buildRequests(message: core.NormalizedMessage): readonly core.ProviderRequest[] {
      const { subject, tags, metadata, headers, to, cc, attachments, idempotencyKey } = message;
      return [
        {
          path: "send",
          body: {
            json: {
              key: this.options.apiKey,
              to: to.map(({ email }) => email),
              subject,
              tags,
              metadata,
              headers: core.headerRecord(headers),
              idempotencyKey,
              attachments: attachments.map(({ content }) => content.base64()),
            },
          },
          recipients: [...to, ...cc],
        },
      ];
    }
    protected override authHeaders(): Readonly<Record<string, string>> {
      return { authorization: `Bearer ${this.options.apiKey}` };
    }
    protected override readResponse(response: core.ProviderResponse): RecipientResults {
      return read(response);
    }
    protected override readError(body: unknown): core.ProviderErrorInfo {
      const { message, ...rest } = (body ?? {}) as core.ProviderErrorInfo;
      return { message, ...rest };
    }
  }
  return { make: (options = {}, info = {}) => new Test(options, info) };
}

export const message = { from: "a@example.com", to: "b@example.com", subject: "S" } satisfies Message;
