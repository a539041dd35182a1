import { ApiError } from "@posthorn/core";
import { type MemoryBackend, memory } from "@posthorn/testing";
import type { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { Activity } from "../src/activity.js";
import { createApp } from "../src/app.js";

function post(message: unknown, headers: Record<string, string> = {}): RequestInit {
  const body = JSON.stringify(message);
  return { method: "POST", body, headers: { "content-type": "application/json", ...headers } };
}
const mail = { from: "a@example.com", to: ["b@example.com"], subject: "<Hello>", text: "Hi" };

function start(demo?: () => Promise<void>): { app: Hono; backend: MemoryBackend; activity: Activity } {
  const [backend, activity] = [memory(), new Activity()];
  const app = createApp({ backends: { memory: backend }, activity, ...(demo ? { demo } : {}) });
  return { app, backend, activity };
}

describe("the web app", () => {
  it("sends, and shows what became of it with HTML escaped", async () => {
    const { app, backend } = start();
    const answer = await app.request("/send/memory", post(mail));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ status: "sent" });
    expect(backend.outbox[0]?.normalized.subject).toBe("<Hello>");
    expect(await (await app.request("/")).text()).toContain("<td>&lt;Hello&gt;</td>");
  });

  it("answers 400 to a bad message and 502 to a provider's no", async () => {
    const { app, backend } = start();
    const bad = await app.request("/send/memory", post({ ...mail, to: 5 }));
    expect(bad.status).toBe(400);
    expect(await bad.json()).toMatchObject({ name: "InvalidAddressError", delivery: "not-sent" });
    expect((await app.request("/send/memory", post(null))).status).toBe(400);
    backend.failNext(new ApiError("no", { status: 500, headers: {}, body: "", delivery: "unknown" }));
    expect((await app.request("/send/memory", post(mail))).status).toBe(502);
    expect((await app.request("/send/other", post(mail))).status).toBe(404);
    expect(backend.outbox).toEqual([]);
  });

  it("allows its page no script but its own, and other sites no sending", async () => {
    const { app, backend } = start();
    const page = await app.request("/");
    const nonce = /script-src 'nonce-([^']+)'/.exec(page.headers.get("content-security-policy") ?? "")?.[1];
    expect(nonce).toBeTruthy();
    const html = await page.text();
    expect(html).toContain(`<script nonce="${nonce}">`);
    const foreign = { origin: "https://evil.example", "content-type": "text/plain" };
    expect((await app.request("/send/memory", post(mail, foreign))).status).toBe(403);
    expect(backend.outbox).toEqual([]);
  });

  it("has a button where there is something for it to do", async () => {
    let pressed = 0;
    const press = { method: "POST", headers: { origin: "http://localhost" } };
    const { app } = start(async () => void pressed++);
    expect(await (await app.request("/")).text()).toContain("<button>");
    const answer = await app.request("/demo", press);
    expect([answer.status, answer.headers.get("location"), pressed]).toEqual([303, "/", 1]);
    const { app: without } = start();
    expect(await (await without.request("/")).text()).not.toContain("<button>");
    expect((await without.request("/demo", press)).status).toBe(404);
  });
});

describe("activity", () => {
  it("remembers the newest entries, and says what came after one", () => {
    const activity = new Activity();
    for (let i = 1; i <= 600; i++) activity.add(i % 2 ? "mail" : "event", [`${i}`]);
    expect(activity.since(0)).toHaveLength(500);
    expect(activity.since(598).map(({ id, kind }) => [id, kind])).toEqual([
      [599, "mail"],
      [600, "event"],
    ]);
    expect(activity.of("mail")).toHaveLength(250);
  });

  it("wakes those who wait when something comes, when the time is up, and when told to", async () => {
    const activity = new Activity();
    const ended = new AbortController();
    const waiting = activity.changed(0, 60_000, ended.signal);
    activity.add("event", ["a"]);
    await waiting;
    await activity.changed(0, 60_000, ended.signal);
    await activity.changed(1, 1, ended.signal);
    const last = activity.changed(1, 60_000, ended.signal);
    ended.abort();
    await last;
    await activity.changed(1, 60_000, ended.signal);
  });
});
