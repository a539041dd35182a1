import { inspect } from "node:util";
import {
  ApiError,
  type Backend,
  type BackendOptions,
  type Features,
  InvalidMessageError,
  type Message,
  PosthornError,
  TransportError,
  UnsupportedFeatureError,
} from "@posthorn/core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type FaultServer, startFaultServer } from "../servers/fault-server.js";
import type { Answer } from "../servers/faults.js";
import type { RawRequest } from "../servers/http-parser.js";
import { FIELDS, mail, TEMPLATE, TRACES } from "./fields.js";
import { type Body, jsonOf, plainText, rawMime } from "./wire.js";

/** A provider to be put through the suite. */
export interface ConformanceSubject {
  readonly name: string;
  /** Makes a backend of its options. */
  readonly create: (options: never) => Backend;
  /** Made-up credentials; those with "made-up" in them must show nowhere. */
  readonly credentials: Readonly<Record<string, string>>;
  /** How the provider says yes to a request with this JSON body. */
  readonly yes: (body: Body) => Answer;
  /** Whether it merges only into stored templates. */
  readonly mergeNeedsTemplate?: boolean;
  /** Whether any 2xx means yes, whatever its body. */
  readonly readsNoAnswer?: boolean;
}

/**
 * Describes, in vitest, what every provider must do: each field alone, each unsupported field, header injection, IDNA,
 * attachments, many recipients, bad answers, retries, abort, secrets. Over a real server on loopback.
 */
export function describeConformance({
  name,
  create: make,
  credentials,
  yes,
  mergeNeedsTemplate,
  readsNoAnswer,
}: ConformanceSubject): void {
  describe(name, () => {
    let server: FaultServer;
    beforeAll(async () => {
      server = await startFaultServer({
        respond: (request) => ({ kind: "answer", ...yes(jsonOf(request)) }),
      });
    });
    afterEach(() => server.reset());
    afterAll(() => server.close());
    const bodies = (): string =>
      server.requests
        .map(
          ({ path, headers, body }) => path + JSON.stringify(headers) + plainText(rawMime(body.toString())),
        )
        .join("\n");
    const create = (options: BackendOptions = {}): Backend =>
      make({ ...credentials, apiUrl: server.url, ...options } as never);
    const { features } = make({ ...credentials, apiUrl: "http://127.0.0.1:1" } as never);
    const failure = async (promise: Promise<unknown>): Promise<PosthornError> => {
      const error: unknown = await promise.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(PosthornError);
      return error as PosthornError;
    };
    const hidesSecrets = (value: unknown): void => {
      const text = inspect(value, { depth: 12, showHidden: true }) + JSON.stringify(value);
      for (const secret of Object.values(credentials).filter(
        (secret) => secret.includes("made-up") && !secret.includes("projectId"),
      )) {
        expect(text).not.toContain(secret);
        expect(text).not.toContain(btoa(secret));
      }
    };

    const needsTemplate = mergeNeedsTemplate ? TEMPLATE : {};
    for (const [feature, value] of Object.entries(FIELDS) as [keyof Features, Message][]) {
      const fields = feature.startsWith("merge") ? { ...value, ...needsTemplate } : value;
      if (features[feature] !== false) {
        it(`sends ${feature}`, async () => {
          const result = await create().send({ ...mail, ...fields });
          expect(Object.keys(result.recipients).length).toBeGreaterThan(0);
          expect(Object.values(result.recipients).map(({ status }) => status)).not.toContain("failed");
          const trace = TRACES[feature];
          if (trace) expect(bodies()).toContain(trace);
        });
      } else {
        it(`refuses ${feature}, and sends without it when told to`, async () => {
          const error = await failure(create().send({ ...mail, ...fields }));
          expect(error).toBeInstanceOf(UnsupportedFeatureError);
          expect(error.provider).toBe(create().provider);
          expect(Object.keys(fields)).toContain((error as UnsupportedFeatureError).field);
          expect(server.requests).toEqual([]);
          await create({ unsupported: "drop" }).send({ ...mail, ...fields });
          expect(server.requests).toHaveLength(1);
          const trace = TRACES[feature];
          if (trace && feature !== "alternatives") expect(bodies()).not.toContain(trace);
        });
      }
    }

    it("needs a sender, unless a template can bring its own", async () => {
      const { from: _, ...senderless } = mail;
      expect(await failure(create().send(senderless))).toMatchObject({ field: "from" });
      const templated = { ...senderless, ...TEMPLATE };
      if (features.templateSender) {
        await create().send(templated);
        expect(bodies()).toContain("1234567");
        expect(bodies()).not.toContain(mail.from.slice(0, 3));
      } else {
        expect(await failure(create({ unsupported: "drop" }).send(templated))).toMatchObject({
          field: "from",
        });
        expect(server.requests).toEqual([]);
      }
    });

    it("lets no line break into a header, name, tag or key", async () => {
      const evil = "x\r\nBcc: victim@example.org";
      const injections: readonly Record<string, unknown>[] = [
        { subject: evil },
        { from: `${evil} <a@example.com>` },
        { from: { name: evil, email: "a@example.com" } },
        ...["to", "cc", "bcc", "replyTo"].flatMap((list) => [
          { [list]: [`${evil} <a@example.com>`] },
          { [list]: [`a@example.com${evil}`] },
        ]),
        { envelopeSender: `a@example.com${evil}` },
        { headers: { "X-A": evil } },
        { headers: { [evil]: "x" } },
        { mergeHeaders: { "grace@example.org": { "X-A": evil } } },
        { tags: [evil] },
        { metadata: { [evil]: 1 } },
        { mergeMetadata: { "grace@example.org": { [evil]: 1 } } },
        { mergeData: { "grace@example.org": { [evil]: 1 } } },
        { mergeGlobalData: { [evil]: 1 } },
        { templateId: evil },
        { idempotencyKey: evil },
        { attachments: [{ filename: evil, content: "" }] },
        { attachments: [{ content: "", contentType: evil }] },
        { attachments: [{ content: "", contentId: evil }] },
      ];
      for (const injection of injections) {
        const error = await failure(
          create({ unsupported: "drop" }).send({ ...mail, ...injection } as Message),
        );
        expect(error, JSON.stringify(injection)).toBeInstanceOf(InvalidMessageError);
      }
      expect(server.requests).toEqual([]);
    });

    it("encodes domains by UTS-46, and results keep the address as it was written", async () => {
      const result = await create().send({ ...mail, to: ["Grace <grace@bücher.example>"] });
      expect(bodies()).toContain("grace@xn--bcher-kva.example");
      expect(Object.keys(result.recipients)).toEqual(["grace@bücher.example"]);
    });

    if (features.attachments) {
      it("sends an empty file, a stream, and 10 MB", { timeout: 60_000 }, async () => {
        const big = new Uint8Array(10_000_000).fill(65);
        const stream = new Blob(["from a stream"]).stream();
        await create().send({
          ...mail,
          attachments: [
            { filename: "empty.bin", content: new Uint8Array(0) },
            { filename: "stream.bin", content: stream },
            { filename: "big.bin", content: big },
          ],
        });
        const { body, headers } = server.requests[0] as RawRequest;
        expect(headers["content-length"]).toBe(String(body.length));
        const isForm = headers["content-type"]?.startsWith("multipart/");
        const text = rawMime(body.toString());
        expect(
          text.includes(isForm || text.startsWith("From:") ? "from a stream" : btoa("from a stream")),
        ).toBe(true);
        expect(body.length).toBeGreaterThan(isForm ? 10_000_000 : 13_333_333);
        expect(text.includes("empty.bin")).toBe(true);
      });
    }

    it("sends to 500 recipients, and tells of each", async () => {
      const to = Array.from({ length: 500 }, (_, index) => `r${index}@example.org`);
      const result = await create().send({ ...mail, to });
      expect(Object.keys(result.recipients)).toHaveLength(500);
    });

    if (features.mergeMetadata) {
      it("gives each recipient of a batch a mail of their own, in as many requests as it takes", async () => {
        const to = Array.from({ length: 1_050 }, (_, index) => `r${index}@example.org`);
        const mergeMetadata = Object.fromEntries(to.map((address, index) => [address, { n: `n${index}` }]));
        const result = await create().send({ ...mail, ...needsTemplate, to, mergeMetadata });
        expect(Object.keys(result.recipients).sort()).toEqual([...to].sort());
        expect(new Set(Object.values(result.recipients).map(({ status }) => status)).size).toBe(1);
        for (const index of [0, 999, 1_049]) expect(bodies()).toContain(`n${index}`);
      });
    }

    if (!readsNoAnswer) {
      it("takes a 2xx that cannot be read for accepted, and does not try again", async () => {
        for (const fault of [
          { kind: "garbage" },
          { kind: "truncated-body", body: '{"id":"12345678"}' },
        ] as const) {
          server.reset();
          server.script(fault);
          const error = await failure(create({ retry: { total: 3, read: 3, status: 3 } }).send(mail));
          expect(error).toBeInstanceOf(ApiError);
          expect(error).toMatchObject({ delivery: "accepted", retryable: false });
          expect(server.requests).toHaveLength(1);
        }
      });
    }

    it("makes something useful of error answers, whatever their body", async () => {
      for (const status of [400, 401, 403, 404, 422, 500, 503]) {
        for (const body of [
          "",
          "no",
          "null",
          "[]",
          "{}",
          '{"errors":null}',
          '{"message":5}',
          "<html>Bad gateway</html>",
        ]) {
          server.reset();
          server.script({ kind: "answer", status, body });
          const error = await failure(create({ retry: false }).send(mail));
          expect(error, `${status} ${body}`).toBeInstanceOf(ApiError);
          expect((error as ApiError).status).toBe(status);
          expect(error.delivery).toBe(status < 500 ? "not-sent" : "unknown");
          hidesSecrets(error);
        }
      }
    });

    it("tries a 429 again, and a lost connection only with an idempotency key", async () => {
      const clock = {
        now: Date.now,
        random: () => 0,
        setTimer: (callback: () => void, ms: number) => {
          const id = setTimeout(callback, ms < 10_000 ? 0 : ms);
          return () => clearTimeout(id);
        },
      };
      server.script(
        { kind: "answer", status: 429 },
        { kind: "answer", status: 429, headers: { "retry-after": "2" } },
      );
      const result = await create({ clock }).send(mail);
      expect(result.attempts.map(({ status }) => status?.toString()[0])).toEqual(["4", "4", "2"]);
      server.reset();
      server.script({ kind: "reset-after-request" });
      if (features.idempotencyKey) {
        await create({ clock }).send(mail);
        const keyed = server.requests.map(
          ({ headers, body }) =>
            /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(
              JSON.stringify(headers) + body.toString(),
            )?.[0],
        );
        expect(server.requests).toHaveLength(2);
        expect(new Set(keyed).size).toBe(1);
        expect(keyed[0]).toBeDefined();
      } else {
        expect(await failure(create({ clock }).send(mail))).toMatchObject({
          delivery: "unknown",
          retryable: false,
        });
        expect(server.requests).toHaveLength(1);
      }
    });

    it("stops at an abort", async () => {
      server.script({ kind: "stall-before-headers" });
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error("enough")), 30);
      const error = await failure(create().send(mail, { signal: controller.signal }));
      expect(error).toBeInstanceOf(TransportError);
      expect(error).toMatchObject({ code: "ABORTED", delivery: "unknown" });
    });

    it("shows its secrets in no error, debug line or dry run", async () => {
      const lines: string[] = [];
      const echo = Object.values(credentials).join(" ");
      const backend = create({ debug: (line) => void lines.push(line), retry: false });
      await backend.send(mail);
      server.script({
        kind: "answer",
        status: 400,
        headers: { "x-echo": echo },
        body: JSON.stringify({ message: echo, error: echo }),
      });
      hidesSecrets(await failure(backend.send(mail)));
      server.script({ kind: "reset-after-request" });
      hidesSecrets(await failure(backend.send(mail)));
      hidesSecrets(lines);
      hidesSecrets(await backend.dryRun(mail));
      expect(lines.length).toBeGreaterThan(3);
    });
  });
}

export type { Body } from "./wire.js";
