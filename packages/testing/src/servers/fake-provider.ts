import { type FaultServer, startFaultServer } from "./fault-server.js";
import type { Fault } from "./faults.js";
import type { RawRequest } from "./http-parser.js";

/** A mail that a fake provider took. */
export interface FakeMessage {
  readonly recipients: readonly string[];
  readonly subject: string | undefined;
  /** The provider's own form of the message. */
  readonly payload: unknown;
}

/** A server on loopback that answers as a provider does. Faults can be scripted in front of its answers. */
export interface FakeProvider extends FaultServer {
  /** To be given as the backend's `apiUrl`. */
  readonly apiUrl: string;
  /** A key that the fake takes. */
  readonly apiKey: string;
  /** Mails taken, oldest first. */
  readonly messages: readonly FakeMessage[];
}

/** What a fake provider makes of a request: its answer, and the mail if it took one. */
export interface FakeAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly mail?: FakeMessage;
}

/** Starts a fake provider whose behaviour is `handle`. */
export async function startFakeProvider(
  basePath: string,
  apiKey: string,
  handle: (request: RawRequest, id: string) => FakeAnswer,
): Promise<FakeProvider> {
  const messages: FakeMessage[] = [];
  let count = 0;
  const server = await startFaultServer({
    respond: (request): Fault => {
      const answer = handle(request, String(++count).padStart(6, "0"));
      if (answer.mail) messages.push(answer.mail);
      const body = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
      return { kind: "answer", status: answer.status, body };
    },
  });
  // Not a spread: the server's counters are getters.
  return Object.create(server, {
    apiUrl: { value: `${server.url}${basePath}` },
    apiKey: { value: apiKey },
    messages: { value: messages },
  }) as FakeProvider;
}
