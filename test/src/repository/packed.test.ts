import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type FakeProvider, startFakeMandrill } from "@posthorn/testing/servers";
import { SAMPLE_MIME } from "@posthorn/testing/webhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RUNTIMES, runOn } from "../runtimes.js";

const SENDER = `
import { mandrill } from "@posthorn/mandrill";
const mail = mandrill({ apiKey: process.env.FAKE_KEY, apiUrl: process.env.FAKE_URL });
const result = await mail.send({ from: "a@example.com", to: ["b@example.org"], subject: "Packed", text: "T" });
console.log(result.status, Object.keys(result.recipients).join());
`;

/** What the libraries that are built in are for: hashes (tracking) and MIME (inbound) work without being installed. */
const RECEIVER = `
import { inboundWebhook, trackingWebhook } from "@posthorn/mandrill/webhooks";
const url = "https://app.example.com/hook";
const signingKey = process.env.FAKE_KEY;
const post = async (event) => {
  const body = new URLSearchParams({ mandrill_events: JSON.stringify([event]) });
  const text = new TextEncoder().encode(url + [...body].flat().join(""));
  const hmac = { name: "HMAC", hash: "SHA-1" };
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(signingKey), hmac, false, ["sign"]);
  const signature = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", key, text))));
  return new Request(url, { method: "POST", body, headers: { "x-mandrill-signature": signature } });
};
const tracking = trackingWebhook({ signingKey, onEvent: (event) => console.log(event.eventType, event.recipient) });
const inbound = inboundWebhook({ signingKey, onEvent: ({ message }) => console.log(message.subject) });
const sent = await tracking(await post({ event: "send", ts: 1, msg: { _id: "m1", email: "b@example.org" } }));
const mime = process.env.FAKE_MIME;
const received = await inbound(await post({ event: "inbound", ts: 1, msg: { raw_msg: mime, email: "c@example.com" } }));
const forged = await tracking(new Request(url, { method: "POST", body: new URLSearchParams({ mandrill_events: "[]" }) }));
console.log([sent.status, received.status, forged.status].join(" "));
`;

describe("a packed provider, installed alone in an empty project", { timeout: 120_000 }, () => {
  const project = mkdtempSync(join(tmpdir(), "posthorn-packed-"));
  let fake: FakeProvider;

  beforeAll(async () => {
    fake = await startFakeMandrill();
    for (const name of ["core", "mandrill"]) {
      const folder = fileURLToPath(new URL(`../../../packages/${name}`, import.meta.url));
      execFileSync("npm", ["pack", "--silent", "--pack-destination", project], { cwd: folder });
    }
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    writeFileSync(join(project, "send.js"), SENDER);
    writeFileSync(join(project, "receive.js"), RECEIVER);
    const tarballs = readdirSync(project).filter((file) => file.endsWith(".tgz"));
    execFileSync("npm", ["install", "--no-audit", "--no-fund", ...tarballs.map((file) => `./${file}`)], {
      cwd: project,
      stdio: "pipe",
    });
  }, 120_000);
  afterAll(async () => {
    await fake.close();
    rmSync(project, { recursive: true, force: true });
  });

  for (const runtime of RUNTIMES) {
    it(`sends on ${runtime.name}`, async () => {
      const env = { FAKE_KEY: fake.apiKey, FAKE_URL: fake.apiUrl };
      const { stdout, stderr } = await runOn(runtime, join(project, "send.js"), { env, cwd: project });
      expect(stderr).toBe("");
      expect(stdout.trim()).toBe("sent b@example.org");
    });

    it(`receives webhooks on ${runtime.name}`, async () => {
      const env = { FAKE_KEY: "made-up", FAKE_MIME: SAMPLE_MIME };
      const { stdout, stderr } = await runOn(runtime, join(project, "receive.js"), { env, cwd: project });
      expect(stderr).toBe("");
      expect(stdout.trim().split("\n")).toEqual(["sent b@example.org", "Hello ✓", "200 200 400"]);
    });
  }

  it("brings nothing but core", () => {
    expect(readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
      "@posthorn",
    ]);
    expect(readdirSync(join(project, "node_modules", "@posthorn"))).toEqual(["core", "mandrill"]);
  });
});
