import { brevo } from "@posthorn/brevo";
import { type CallOptions, createManager, defineManageFeatures, pages } from "@posthorn/core/manage";
import { mandrill } from "@posthorn/mandrill";
import { manage } from "@posthorn/mandrill/manage";
import { type FaultServer, startFaultServer } from "@posthorn/testing/servers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer();
});
afterEach(() => server.reset());
afterAll(() => server.close());

const create = (more: Parameters<typeof mandrill>[0] = {}) =>
  mandrill({ apiKey: "made-up-key", apiUrl: server.url, retry: { backoffFactor: 0 }, ...more });
const answer = (body: unknown, status = 200): void =>
  server.script({ kind: "answer", status, body: JSON.stringify(body) });
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("a manager", () => {
  it("goes by the backend's session: hooks, headers, a close in between, the debug log without keys", async () => {
    const lines: string[] = [];
    const backend = create({ debug: (line) => void lines.push(line) });
    const { suppressions } = manage(backend);
    answer([]);
    await suppressions.has("a@example.org");
    await backend.close();
    answer([]);
    await suppressions.has("a@example.org");
    expect(server.requests).toHaveLength(2);
    expect(lines.join("\n")).toContain("/rejects/list.json");
    expect(lines.join("\n")).not.toContain("made-up-key");
  });

  it("ends when the caller aborts, before the request and during it", async () => {
    const { retrieve } = manage(create());
    expect(await failure(retrieve("abc", { signal: AbortSignal.abort() }))).toMatchObject({
      code: "ABORTED",
    });
    expect(server.requests).toEqual([]);
    server.script({ kind: "answer", status: 200, body: "{}", delay: 60_000 });
    const controller = new AbortController();
    const call = failure(retrieve("abc", { signal: controller.signal }));
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    expect(await call).toMatchObject({ name: "TransportError", code: "ABORTED", delivery: "unknown" });
  });

  it("gives up by the session's policy, and then says that the call may have been carried out", async () => {
    server.script(...Array(4).fill({ kind: "reset-after-request" }));
    const error = await failure(manage(create()).cancel("abc"));
    expect(error).toMatchObject({ name: "TransportError", delivery: "unknown", retryable: true });
    expect(server.requests).toHaveLength(4);
  });

  it("is for a backend of its provider, and reports a key that is missing at first use", async () => {
    expect(() => manage(brevo({ apiKey: "made-up-key" }) as never)).toThrow(
      "must be given a backend of Mandrill",
    );
    expect(() => manage(undefined as never)).toThrow("must be given a backend of Mandrill");
    const error = await failure(manage(create({ apiKey: "" })).retrieve("abc"));
    expect(String(error)).toContain("MANDRILL_API_KEY");
    expect(server.requests).toEqual([]);
  });

  it("wraps what a response that is not as documented throws, so that no bare error comes out", async () => {
    const features = defineManageFeatures({ retrieve: true, "suppressions.list": true });
    const broken = createManager<typeof features, object>(create(), "Mandrill", features, () => ({
      retrieve: () => Promise.reject(new TypeError("null has no entries")),
      // biome-ignore lint/correctness/useYield: it throws first
      async *list(_: CallOptions) {
        throw new TypeError("null has no entries");
      },
    }));
    const list = (async () => {
      for await (const _ of broken.suppressions.list());
    })();
    for (const error of [await failure(broken.retrieve("abc")), await failure(list)])
      expect(error).toMatchObject({ provider: "Mandrill", cause: { name: "TypeError" } });
  });
});

describe("pages", () => {
  it("stops at a page that is its own next", async () => {
    const cursors: (string | undefined)[] = [];
    const items: number[] = [];
    for await (const item of pages(async (cursor) => {
      cursors.push(cursor);
      return { items: [cursors.length], next: "same" };
    }))
      items.push(item);
    expect(items).toEqual([1, 2]);
    expect(cursors).toEqual([undefined, "same"]);
  });
});
