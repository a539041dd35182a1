import {
  type Backend,
  type BackendOptions,
  failover,
  type MessageFor,
  type NotSupportedBy,
  PosthornError,
  type RecipientResults,
  type SendOutcome,
  TransportError,
} from "@posthorn/core";
import {
  HttpBackend,
  type NormalizedMessage,
  type ProviderRequest,
  type ProviderResponse,
} from "@posthorn/core/provider";
import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { features } from "./features.js";

class TestBackend extends HttpBackend<
  typeof features,
  BackendOptions<typeof features> & { apiKey?: string }
> {
  constructor(options: BackendOptions<typeof features> & { apiKey?: string } = {}) {
    super(
      {
        name: "Test",
        envPrefix: "POSTHORN_TEST",
        features,
        options: { apiKey: { required: true, secret: true } },
      },
      options,
    );
  }
  protected override buildRequests(message: NormalizedMessage): readonly ProviderRequest[] {
    return [
      {
        path: "send",
        body: { json: { subject: message.subject, tags: message.tags } },
        recipients: message.to,
      },
    ];
  }
  protected override authHeaders(): Readonly<Record<string, string>> {
    return { authorization: `Bearer ${this.options.apiKey}` };
  }
  protected override readResponse(answer: ProviderResponse): RecipientResults {
    // As trusting as providers are.
    (answer.json() as { id?: string }).id?.trim();
    return Object.fromEntries(
      answer.request.recipients.map(({ address }) => [address, { status: "queued", messageId: "1" }]),
    );
  }
  protected override readError(body: unknown): { message?: string } {
    return body as { message?: string };
  }
}

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const apiKey = "made-up/secret key+1";
const create = (options: BackendOptions<typeof features> = {}): TestBackend =>
  new TestBackend({ apiKey, apiUrl: server.url, ...options });
const mail = { from: "a@example.com", to: ["b@example.com"], subject: "S" };
const subjects = (): string[] =>
  server.requests.map(({ body }) => (JSON.parse(body.toString()) as { subject: string }).subject);

describe("hooks", () => {
  it("preSend changes and cancels, postSend sees result and error", async () => {
    const seen: string[] = [];
    const backend = create({
      preSend: [
        (message) => (message.subject === "secret" ? false : undefined),
        async (message) => ({ ...message, subject: `${message.subject}!` }),
      ],
      postSend: (outcome) => void seen.push("result" in outcome ? outcome.result.status : outcome.error.name),
    });
    expect((await backend.send(mail)).status).toBe("queued");
    expect(await backend.send({ ...mail, subject: "secret" })).toMatchObject({
      status: "cancelled",
      recipients: {},
    });
    await expect(backend.send({ ...mail, to: [] })).rejects.toThrow("must have a recipient");
    expect(subjects()).toEqual(["S!"]);
    expect(seen).toEqual(["queued", "InvalidMessageError"]);
  });

  it("are told of what is no message, too", async () => {
    const seen: unknown[] = [];
    const backend = create({ postSend: (outcome) => void seen.push("error" in outcome) });
    for (const message of [null, undefined, false, "mail"]) {
      await expect(backend.send(message as never)).rejects.toThrow("A message must be an object");
    }
    expect(seen).toEqual([true, true, true, true]);
  });

  it("sends nothing when preSend throws", async () => {
    const backend = create({
      preSend: () => {
        throw new Error("no mail on Sundays");
      },
    });
    await expect(backend.send(mail)).rejects.toThrow("no mail on Sundays");
    expect(server.requests).toEqual([]);
  });

  it("what postSend throws says what became of the mail, and no pool takes it for a reason to cross", async () => {
    const cause = new TransportError("the log is full", {
      phase: "connect",
      delivery: "not-sent",
      retryable: true,
    });
    const backend = create({
      retry: false,
      postSend: () => {
        throw cause;
      },
    });
    const other = create();
    const expected = { name: "PosthornError", delivery: "accepted", retryable: false, cause };
    await expect(failover([backend, other]).send(mail)).rejects.toMatchObject(expected);
    expect(subjects()).toEqual(["S"]);
    server.script({ kind: "answer", status: 429, headers: { "retry-after": "9" } });
    await expect(backend.send(mail)).rejects.toMatchObject({
      ...expected,
      delivery: "not-sent",
      retryable: true,
    });
  });

  it("what onRetry throws ends the retries, and says what is known", async () => {
    const onRetry = (): never => {
      throw new Error("no more");
    };
    const backend = create({ onRetry, retry: { statusForcelist: [500] } });
    for (const [status, delivery] of [
      [429, "not-sent"],
      [500, "unknown"],
    ] as const) {
      server.script({ kind: "answer", status });
      await expect(backend.send(mail)).rejects.toMatchObject({ delivery, attempts: [{ status }] });
    }
    expect(server.requests).toHaveLength(2);
  });

  it("a debug function that throws changes nothing", async () => {
    const debug = (): never => {
      throw new Error("the disk is full");
    };
    expect((await create({ debug }).send(mail)).status).toBe("queued");
  });
});

describe("an answer that is not what was documented", () => {
  it("is accepted when it is a 2xx: the mail must not go again", async () => {
    for (const body of ['{"id":7}', "null"]) {
      server.script({ kind: "answer", body });
      await expect(create().send(mail)).rejects.toMatchObject({
        name: "ApiError",
        delivery: "accepted",
        retryable: false,
        body,
      });
    }
  });
});

describe("sendMany", () => {
  it("keeps order, bounds concurrency, and loses nothing to a failure", async () => {
    let running = 0;
    let most = 0;
    const backend = create({
      preSend: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
      },
    });
    async function* messages(): AsyncGenerator<MessageFor<typeof features>> {
      for (let index = 0; index < 40; index++)
        yield { ...mail, subject: String(index), to: index % 5 === 0 ? [] : mail.to };
    }
    const outcomes: SendOutcome<MessageFor<typeof features>>[] = [];
    for await (const outcome of backend.sendMany(messages(), { concurrency: 4 })) outcomes.push(outcome);
    expect(outcomes.map(({ index }) => index)).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(outcomes.filter(({ ok }) => !ok).map(({ index }) => index)).toEqual([
      0, 5, 10, 15, 20, 25, 30, 35,
    ]);
    expect(outcomes.every((outcome) => outcome.ok || outcome.error instanceof PosthornError)).toBe(true);
    expect(most).toBe(4);
    expect(subjects()).toHaveLength(32);
  });

  it("tells of the mails under way before it tells that reading further messages failed", async () => {
    function* messages(): Generator<MessageFor<typeof features>> {
      yield mail;
      yield mail;
      throw new Error("the table is gone");
    }
    const seen: boolean[] = [];
    const all = async (): Promise<void> => {
      for await (const { ok } of create().sendMany(messages())) seen.push(ok);
    };
    await expect(all()).rejects.toThrow("the table is gone");
    expect(seen).toEqual([true, true]);
  });

  it("refuses a concurrency of 0", async () => {
    await expect(create().sendMany([mail], { concurrency: 0 }).next()).rejects.toThrow('"concurrency"');
  });
});

describe("secrets", () => {
  const forms = [apiKey, encodeURIComponent(apiKey)];
  const hides = (text: string): void => {
    for (const form of forms) expect(text).not.toContain(form);
  };

  it("are in no debug dump, dry run or error", async () => {
    const lines: string[] = [];
    const backend = create({ debug: (line) => void lines.push(line) });
    server.script({
      kind: "answer",
      status: 400,
      headers: { "x-echo": apiKey },
      body: JSON.stringify({ message: `bad key ${apiKey}` }),
    });
    const error = await backend
      .send({ ...mail, subject: apiKey })
      .catch((thrown: unknown) => thrown as PosthornError);
    await backend.send(mail);
    expect(lines.join("\n")).toContain("authorization: [redacted]");
    hides(lines.join("\n"));
    hides(JSON.stringify(error) + String(error) + (error as Error).stack);
    hides(JSON.stringify(await backend.dryRun({ ...mail, subject: apiKey })));
    server.script({ kind: "reset-after-request" });
    const failure = (await backend.send(mail).catch((thrown: unknown) => thrown)) as PosthornError;
    hides(JSON.stringify({ ...failure, cause: failure.cause, stack: failure.stack }));
  });
});

describe("options", () => {
  it("come from the environment when not given", async () => {
    process.env["POSTHORN_TEST_API_KEY"] = "from-the-environment";
    try {
      await new TestBackend({ apiUrl: server.url }).send(mail);
      expect(server.requests[0]?.headers["authorization"]).toBe("Bearer from-the-environment");
    } finally {
      delete process.env["POSTHORN_TEST_API_KEY"];
    }
  });

  it("merge sendDefaults under each message", async () => {
    await create({ sendDefaults: { tags: ["a"], subject: "D" } }).send({
      from: mail.from,
      to: mail.to,
      tags: ["b"],
    });
    expect(JSON.parse(server.requests[0]?.body.toString() ?? "")).toEqual({ subject: "D", tags: ["a", "b"] });
  });

  it("warn of or drop unsupported fields when told so", async () => {
    const message = { ...mail, amp: "x" } as unknown as MessageFor<typeof features>;
    await expect(create().send(message)).rejects.toThrow('Test does not support amp (message field "amp")');
    await create({ unsupported: "drop" }).send(message);
    expect(server.requests).toHaveLength(1);
  });
});

describe("types", () => {
  it("refuse unsupported fields, and let any backend stand for Backend", () => {
    expectTypeOf<MessageFor<typeof features>["amp"]>().toEqualTypeOf<NotSupportedBy<string> | undefined>();
    expectTypeOf<MessageFor<typeof features>["subject"]>().toEqualTypeOf<string | undefined>();
    expectTypeOf<TestBackend>().toExtend<Backend>();
    // @ts-expect-error unknown fields are errors too
    const wrong: MessageFor<typeof features> = { ...mail, subjct: "x" };
    expect(wrong).toBeDefined();
  });
});
