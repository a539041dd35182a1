import {
  ApiError,
  failover,
  InvalidMessageError,
  type Message,
  PoolError,
  RecipientsRefusedError,
  roundRobin,
  TransportError,
  weighted,
} from "@posthorn/core";
import { makeResult } from "@posthorn/core/provider";
import { mailgun } from "@posthorn/mailgun";
import { mandrill } from "@posthorn/mandrill";
import { type MemoryBackend, memory } from "@posthorn/testing";
import { startFakeMailgun, startFakeMandrill } from "@posthorn/testing/servers";
import { describe, expect, it } from "vitest";

const mail = { from: "a@example.com", to: ["b@example.org"], subject: "S", text: "T" };
const refused = (): TransportError =>
  new TransportError("refused", { phase: "connect", delivery: "not-sent", retryable: true });
const refusedMail = (): ApiError =>
  new ApiError("too large", { status: 413, headers: {}, body: "", delivery: "not-sent" });
const lost = (): TransportError => new TransportError("lost", { phase: "read", delivery: "unknown" });
const two = (): [MemoryBackend, MemoryBackend] => [memory(), memory()];
const sent = (...backends: readonly MemoryBackend[]): number[] => backends.map(({ outbox }) => outbox.length);

describe("failover", () => {
  it("crosses over when the mail is proven not accepted, and reports the way", async () => {
    const [a, b] = two();
    a.failNext(refused());
    const result = await failover([a, b]).send(mail);
    expect(result.route.map(({ outcome, error }) => [outcome, error?.message])).toEqual([
      ["failed", "refused"],
      ["accepted", undefined],
    ]);
    expect(sent(a, b)).toEqual([0, 1]);
  });

  it("stays when the mail may have been accepted, unless told otherwise", async () => {
    const [a, b] = two();
    a.failNext(lost());
    const error = await failover([a, b])
      .send(mail)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PoolError);
    expect(error).toMatchObject({ delivery: "unknown", retryable: false, route: [{ outcome: "failed" }] });
    expect(sent(a, b)).toEqual([0, 0]);
    a.failNext(lost());
    await failover([a, b], { failoverWhen: "unknown" }).send(mail);
    expect(sent(a, b)).toEqual([0, 1]);
    a.failNext(new ApiError("garbage", { status: 200, headers: {}, body: "", delivery: "accepted" }));
    await expect(failover([a, b], { failoverWhen: "unknown" }).send(mail)).rejects.toMatchObject({
      delivery: "accepted",
    });
    expect(sent(a, b)).toEqual([0, 1]);
  });

  it("does not shop around with a bad message or refused recipients", async () => {
    const [a, b] = two();
    await expect(failover([a, b]).send({ ...mail, to: [] })).rejects.toThrow(InvalidMessageError);
    const result = makeResult({
      provider: "A",
      recipients: { "b@example.org": { status: "rejected", messageId: null } },
    });
    a.failNext(new RecipientsRefusedError("no", { result }));
    await expect(failover([a, b]).send(mail)).rejects.toThrow(RecipientsRefusedError);
    expect(sent(a, b)).toEqual([0, 0]);
  });

  it("never goes to a provider that would drop a field, and keeps a stream for the next", async () => {
    const fakes = [await startFakeMandrill(), await startFakeMailgun()] as const;
    try {
      for (const unsupported of ["error", "drop"] as const) {
        const pool = failover([
          mandrill({ apiKey: fakes[0].apiKey, apiUrl: fakes[0].apiUrl, unsupported }),
          mailgun({ apiKey: fakes[1].apiKey, apiUrl: fakes[1].apiUrl }),
        ]);
        const content = new Blob(["attached"]).stream();
        const result = await pool.send({
          ...mail,
          // @ts-expect-error not all members have it
          amp: "<html amp4email>",
          attachments: [{ content, filename: "a.txt" }],
        });
        expect(result.route.map(({ provider, outcome }) => [provider, outcome])).toEqual([
          ["Mandrill", "unsupported"],
          ["Mailgun", "accepted"],
        ]);
        const payload = fakes[1].messages.at(-1)?.payload as { attachment: { content: Buffer }[] };
        expect(payload.attachment[0]?.content.toString()).toBe("attached");
      }
      expect(fakes[0].requests).toEqual([]);
    } finally {
      for (const fake of fakes) await fake.close();
    }
  });

  it("passes over a sick provider, tries it again later, and goes back once it is well", async () => {
    let now = 0;
    const clock = { now: () => now, random: () => 0, setTimer: () => () => {} };
    const [a, b] = two();
    const pool = failover([a, b], { clock, breaker: { failures: 2, resetAfter: 1_000 } });
    const outcomes = async (): Promise<string[]> =>
      (await pool.send(mail)).route.map(({ outcome }) => outcome);
    for (let index = 0; index < 3; index++) a.failNext(refused());
    expect(await outcomes()).toEqual(["failed", "accepted"]);
    expect(await outcomes()).toEqual(["failed", "accepted"]);
    expect(await outcomes()).toEqual(["open", "accepted"]);
    now = 1_000;
    expect(await outcomes()).toEqual(["failed", "accepted"]);
    expect(await outcomes()).toEqual(["open", "accepted"]);
    now = 2_000;
    expect(await outcomes()).toEqual(["accepted"]);
    expect(await outcomes()).toEqual(["accepted"]);
  });

  it("counts only failures in a row: a no to one mail is the word of a provider that works", async () => {
    const [a, b] = two();
    const pool = failover([a, b], { breaker: { failures: 2 } });
    for (const error of [refused(), refusedMail(), refused()]) a.failNext(error);
    for (let index = 0; index < 3; index++) {
      expect((await pool.send(mail)).route.map(({ outcome }) => outcome)).toEqual(["failed", "accepted"]);
    }
    expect((await pool.send(mail)).route.map(({ outcome }) => outcome)).toEqual(["accepted"]);
  });

  it("does not spend the trial of a sick one on a mail that it would not be given", async () => {
    let now = 0;
    const clock = { now: () => now, random: () => 0, setTimer: () => () => {} };
    const a = Object.assign(memory(), {
      unsupportedFields: async ({ tags }: Message): Promise<string[]> => (tags ? ["tags"] : []),
    });
    const b = memory();
    const pool = failover([a, b], { clock, breaker: { failures: 1, resetAfter: 1_000 } });
    const outcomes = async (message: Message): Promise<string[]> =>
      (await pool.send(message)).route.map(({ outcome }) => outcome);
    a.failNext(refused());
    expect(await outcomes(mail)).toEqual(["failed", "accepted"]);
    now = 1_000;
    expect(await outcomes({ ...mail, tags: ["one"] })).toEqual(["unsupported", "accepted"]);
    expect(await outcomes(mail)).toEqual(["accepted"]);
  });

  it("tries all when all are sick, and tells of all when none takes it", async () => {
    const [a, b] = two();
    const pool = failover([a, b], { breaker: { failures: 1 } });
    for (const backend of [a, b, a, b]) backend.failNext(refused());
    await expect(pool.send(mail)).rejects.toMatchObject({
      delivery: "not-sent",
      retryable: true,
      route: { length: 2 },
    });
    await expect(pool.send(mail)).rejects.toMatchObject({ route: { length: 2 } });
    expect((await pool.send(mail)).route).toHaveLength(1);
  });

  it("sends nothing more once the caller aborts", async () => {
    const [a, b] = two();
    a.failNext(new TransportError("aborted", { phase: "other", code: "ABORTED", delivery: "not-sent" }));
    await expect(failover([a, b]).send(mail)).rejects.toMatchObject({ route: { length: 1 } });
    expect(sent(a, b)).toEqual([0, 0]);
  });
});

describe("spreading", () => {
  it("goes round", async () => {
    const [a, b] = two();
    const c = memory();
    const pool = roundRobin([a, b, c]);
    for (let index = 0; index < 7; index++) await pool.send(mail);
    expect(sent(a, b, c)).toEqual([3, 2, 2]);
    b.failNext(refused());
    expect((await pool.send(mail)).route).toHaveLength(2);
    expect(sent(a, b, c)).toEqual([3, 2, 3]);
  });

  it("goes by weight, evenly", async () => {
    const [a, b] = two();
    const pool = weighted([
      { backend: a, weight: 3 },
      { backend: b, weight: 1 },
    ]);
    for (let index = 0; index < 4; index++) await pool.send(mail);
    expect(sent(a, b)).toEqual([3, 1]);
    for (let index = 0; index < 40; index++) await pool.send(mail);
    expect(sent(a, b)).toEqual([33, 11]);
  });

  it("refuses what is no pool", () => {
    expect(() => failover([])).toThrow("must be given a list of backends");
    expect(() => weighted([{ backend: memory(), weight: 0 }])).toThrow("above 0");
    expect(() => failover([memory()], { breaker: { failures: 0 } })).toThrow('"breaker"');
    expect(() => failover([memory()], { failoverWhen: "always" as never })).toThrow('"failoverWhen"');
  });
});
