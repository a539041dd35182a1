import { memoryEventStore } from "@posthorn/core/webhooks";
import { fetchOfFiles, signSnsMessage } from "@posthorn/testing/sns";
import { requestOf, SAMPLE_MIME } from "@posthorn/testing/webhooks";
import { describe, expect, it } from "vitest";
import { trackingWebhook } from "../src/webhooks/index.js";
import {
  CERTIFICATE,
  CONFIRM,
  delivered,
  delivery,
  FILES,
  messageOf,
  NOW,
  OTHER_TOPIC,
  postOnce,
  received,
  STRANGERS,
  signer,
  stranger,
  TOPIC,
} from "./sns-kit.js";

describe("messages of SNS", () => {
  it("are good with a SHA-1 and with a SHA-256, and with a subject", async () => {
    const message = { ...messageOf(delivery), Subject: "Amazon SES Email Event Notification" };
    for (const version of ["1", "2"] as const) {
      expect(await postOnce({ version })).toMatchObject({ status: 200, events: [delivered] });
      expect(await postOnce({ version }, { message })).toMatchObject({ status: 200, events: [delivered] });
    }
  });

  it("are refused with a signature of another version, type or subject", async () => {
    for (const change of [
      { SignatureVersion: "2" },
      { SignatureVersion: "3" },
      { SignatureVersion: null },
      { Signature: "" },
      { Signature: 5 },
      { Subject: "added" },
      { Timestamp: "2026-11-24T12:00:01.000Z" },
      { Timestamp: null },
      { MessageId: "another" },
      { Type: "SubscriptionConfirmation" },
      { Type: "UnsubscribeConfirmation" },
      { Type: null },
    ]) {
      const { status, events, urls } = await postOnce({}, { change });
      expect([status, events], JSON.stringify(change)).toEqual([400, []]);
      expect(urls).not.toContain(CONFIRM);
    }
  });

  it("of other topics are refused before anything is fetched", async () => {
    const { status, urls } = await postOnce({}, { message: messageOf(delivery, OTHER_TOPIC) });
    expect([status, urls]).toEqual([400, []]);
  });

  it("that SES sends when a topic is set are no events", async () => {
    const message = {
      ...messageOf({}),
      Message: "Successfully validated SNS topic for Amazon SES event publishing.",
    };
    expect(await postOnce({}, { message })).toMatchObject({ status: 200, events: [], errors: [] });
  });

  it("are explained when they are somebody else's, or of mail received", async () => {
    for (const message of [
      { ...messageOf({}), Message: "an alarm" },
      messageOf(received({ action: { type: "SNS" } }, SAMPLE_MIME)),
    ]) {
      const { status, errors } = await postOnce({}, { message });
      expect(status).toBe(500);
      expect(errors).toMatchObject([{ name: "ConfigurationError" }]);
    }
  });

  it("about several recipients make an event each, which a store keeps apart", async () => {
    const to = ["grace@example.org", "alan@example.org"];
    const message = messageOf({ ...delivery, delivery: { recipients: to, smtpResponse: "250 ok" } });
    const { events, again } = await postOnce({}, { message, webhook: { store: memoryEventStore() } });
    expect(events.map(({ recipient }) => recipient)).toEqual(to);
    expect(await again()).toBe(200);
    expect(events).toHaveLength(2);
  });
});

describe("subscriptions of SNS", () => {
  const confirmation = (topic = TOPIC, url = CONFIRM): Readonly<Record<string, string>> => ({
    Type: "SubscriptionConfirmation",
    MessageId: "9ae5c56c-6c9c-42e5-b0b1-0fe0f8bbdbf7",
    Token: "made-up",
    TopicArn: topic,
    Message: "You have chosen to subscribe to the topic.",
    SubscribeURL: url,
    Timestamp: new Date(NOW).toISOString(),
  });
  const files = { ...FILES, [CONFIRM]: "<ConfirmSubscriptionResponse/>" };

  it("of configured topics are confirmed by themselves", async () => {
    const { status, events, urls } = await postOnce({}, { message: confirmation(), files });
    expect([status, events, urls]).toEqual([200, [], [CERTIFICATE, CONFIRM]]);
  });

  it("of configured topics are not confirmed when told so", async () => {
    const webhook = { autoConfirmSnsSubscriptions: false };
    const { status, urls } = await postOnce({}, { message: confirmation(), files, webhook });
    expect([status, urls]).toEqual([200, [CERTIFICATE]]);
  });

  it("of other topics, of other signers and with other addresses are not confirmed", async () => {
    for (const { signing, message } of [
      { signing: {}, message: confirmation(OTHER_TOPIC) },
      { signing: { signer: stranger, certificateUrl: STRANGERS }, message: confirmation() },
      { signing: {}, message: confirmation(TOPIC, "https://evil.example/?Action=ConfirmSubscription") },
      { signing: {}, message: confirmation(TOPIC, CONFIRM.replace("https", "http")) },
    ]) {
      const { status, urls } = await postOnce(signing, { message, files });
      expect(status).toBe(400);
      expect(urls.filter((url) => url.includes("Confirm"))).toEqual([]);
    }
  });

  it("that somebody posts to a webhook without topics are not confirmed", async () => {
    const { fetch, urls } = fetchOfFiles(files);
    const errors: unknown[] = [];
    const options = { onEvent: () => {}, onError: (error: unknown) => void errors.push(error), fetch };
    const { body, headers } = await signSnsMessage(confirmation(), { signer, certificateUrl: CERTIFICATE });
    const insecure = await trackingWebhook({ ...options, insecure: true })(requestOf({ body, headers }));
    expect(insecure.status).toBe(400);
    const byPassword = trackingWebhook({ ...options, basicAuth: "user:made-up" });
    const asked = await byPassword(requestOf({ body, headers }));
    expect([asked.status, asked.headers.get("www-authenticate")]).toEqual([401, 'Basic realm="webhook"']);
    const authorization = `Basic ${btoa("user:made-up")}`;
    const told = await byPassword(requestOf({ body, headers: { ...headers, authorization } }));
    expect(told.status).toBe(200);
    expect(String(errors.at(-1))).toContain(TOPIC);
    expect(urls).toEqual([]);
  });

  it("that cannot be confirmed make a 500, so that SNS tries again", async () => {
    expect(await postOnce({}, { message: confirmation() })).toMatchObject({ status: 500 });
  });
});
