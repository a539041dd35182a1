import { describe, expect, it } from "vitest";
import { inboundFromMime } from "../src/inbound/index.js";
import { parseMultipartBody, trackingEvent, webhookHandler } from "../src/webhooks/index.js";

/**
 * What an attacker may send takes time that grows with its size, not with the square of it. CPU time is compared, so that a busy
 * machine changes nothing, and the smaller of several runs counts.
 */
async function cost(run: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < 3; time++) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}

/** Eight times the input: linear work takes eight times as long, quadratic work sixty-four. */
async function expectLinear(run: (times: number) => unknown): Promise<void> {
  await run(1);
  const small = await cost(() => run(1));
  const large = await cost(() => run(8));
  // Below some milliseconds the clock and the garbage collector are all there is.
  expect(large, `${small} µs for one, ${large} µs for eight`).toBeLessThan(Math.max(small, 8_000) * 28);
}

const read = async (mime: string): Promise<void> => {
  await inboundFromMime(new TextEncoder().encode(mime)).catch((error: unknown) => {
    expect(error).toMatchObject({ name: "WebhookRequestError", status: 400 });
  });
};
const nested = (filler: string): string => {
  const shared = "x".repeat(68);
  const heads = Array.from({ length: 99 }, (_, at) => {
    const boundary = `${shared}${String(at).padStart(2, "0")}`;
    return `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n--${boundary}\r\n`;
  });
  return `${heads.join("")}\r\n${filler}`;
};

describe("a message costs no more than its size", { timeout: 120_000 }, () => {
  it("of short lines", () =>
    expectLinear((times) => read(`Subject: x\r\n\r\n${"a\r\n".repeat(times * 50_000)}`)));
  it("of short lines in a part", () =>
    expectLinear((times) =>
      read(
        `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${"a\r\n".repeat(times * 50_000)}--b--`,
      ),
    ));
  it("of lines that almost are boundaries", () =>
    expectLinear((times) => read(nested(`--${"x".repeat(68)}zz\r\n`.repeat(times * 2000)))));
  it("of lines of dashes", () =>
    expectLinear((times) => read(nested(`${"-".repeat(900)}\r\n`.repeat(times * 300)))));
  it("of many parts", () =>
    expectLinear((times) =>
      read(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${"--b\r\n\r\nx\r\n".repeat(times * 1000)}`),
    ));

  const headers = ["From: ", "Subject: ", "Content-Type: text/plain; x=", "Content-Disposition: x; "];
  const units = [
    "(",
    '"',
    '\\"',
    "<",
    '<"',
    "=?",
    "=?x?q?a?= ",
    "=?y?b?/w==?= ",
    "a@b,",
    ":",
    "[:",
    ". ",
    "@ ",
    "= ",
    "a*0=x;",
  ];
  it.each(headers)("with a header of %s and anything", async (header) => {
    for (const unit of units) {
      await expectLinear((times) => read(`${header}${unit.repeat((times * 12_000) / unit.length)}\r\n\r\nx`));
    }
  });
});

describe("a post costs no more than its size", { timeout: 120_000 }, () => {
  const handler = webhookHandler(
    {
      provider: "Test",
      maxBodyBytes: 50_000_000,
      read: (post) => [trackingEvent("Test", post.isForm ? post.form().fields.length : post.json(), {})],
    },
    { insecure: true, onEvent: () => {} },
  );
  const post = (body: BodyInit, type: string): Promise<Response> =>
    handler(
      new Request("http://hooks.example.com/", {
        method: "POST",
        headers: { "content-type": type },
        body,
        duplex: "half",
      } as RequestInit),
    );

  it("of dashes", () =>
    expectLinear((times) =>
      post("-".repeat(times * 100_000), `multipart/form-data; boundary=${"-".repeat(69)}x`),
    ));
  it("of lines of dashes", () =>
    expectLinear((times) =>
      post(`${"-".repeat(70)}\r\n`.repeat(times * 2000), `multipart/form-data; boundary=${"-".repeat(69)}x`),
    ));
  it("of line ends", () =>
    expectLinear((times) => post("\r\n".repeat(times * 50_000), "multipart/form-data; boundary=b")));
  it("of large numbers", () =>
    expectLinear((times) => post(`[${"12345678901234567890,".repeat(times * 3000)}1]`, "application/json")));
  it("of one byte at a time", () =>
    expectLinear((times) => {
      let left = times * 3000;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (left-- > 0) controller.enqueue(new Uint8Array([32]));
          else controller.close();
        },
      });
      return post(body, "application/json");
    }));

  it("is refused for a boundary of more than 70 characters, and reads no more parts than allowed", () => {
    const body = new TextEncoder().encode("-".repeat(100));
    expect(() => parseMultipartBody(body, `multipart/form-data; boundary=${"-".repeat(71)}`)).toThrow(
      "70 characters",
    );
    // Half a million parts, of which a hundred are looked at.
    expect(() =>
      parseMultipartBody(
        new TextEncoder().encode("--b\r\n\r\n\r\n".repeat(500_000)),
        "multipart/form-data; boundary=b",
        100,
      ),
    ).toThrow("more than 100 parts");
  });
});

describe("a large message", () => {
  it("lets the event loop do other work in between", async () => {
    let turns = 0;
    let isDone = false;
    const tick = (): void => {
      turns++;
      if (!isDone) setImmediate(tick);
    };
    setImmediate(tick);
    await read(
      `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n${"a\r\n".repeat(1_000_000)}--b--`,
    );
    isDone = true;
    // A million lines, in slices of 25,000.
    expect(turns).toBeGreaterThan(20);
  });

  it("is refused with more than 10,000 parts, or more than 2 MB of headers", async () => {
    const parts = "--b\r\nContent-Type: application/x\r\n\r\nx\r\n".repeat(10_001);
    await expect(
      inboundFromMime(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts}`),
    ).rejects.toThrow("10000 parts");
    await expect(inboundFromMime(`${"A: b\r\n".repeat(400_000)}\r\n`)).rejects.toThrow("headers");
  });
});
