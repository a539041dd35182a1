import type { SamplePost, WebhookKey, WebhookSubject } from "../webhooks/subject.js";
import { type SnsSigning, signSnsMessage } from "./message.js";

/** A notification in the envelope of SNS, not yet signed. */
export function snsMessage(
  notification: unknown,
  topic: string,
  signedAt: number,
): Readonly<Record<string, string>> {
  return {
    Type: "Notification",
    MessageId: "9ae5c56c-6c9c-42e5-b0b1-0fe0f8bbdbf7",
    TopicArn: topic,
    Message: JSON.stringify(notification),
    Timestamp: new Date(signedAt).toISOString(),
  };
}

/**
 * What a webhook on SNS has in common with others for the conformance suite.
 *
 * @param topics two topics of the user's
 * @param signing by the service, and by somebody whom nobody trusts
 */
export function snsSubject(
  topics: readonly [string, string],
  signing: { readonly own: SnsSigning; readonly strangers: SnsSigning },
): Required<Pick<WebhookSubject<never>, "verifiedBy" | "keys" | "signed" | "replayWindow" | "post">> {
  const key = (option: string, by: SnsSigning): WebhookKey => ({
    option,
    sign: ({ body }, signedAt) => signSnsMessage(snsMessage(notificationOf(body), option, signedAt), by),
  });
  return {
    verifiedBy: "topicArns",
    keys: [
      key(topics[0], signing.own),
      key(topics[1], { ...signing.own, version: "2" }),
      key(topics[0], signing.strangers),
    ],
    signed: /"Message":"(?:[^"\\]|\\.)*"/,
    replayWindow: 7200,
    post: ([notification]) => ({
      headers: { "content-type": "text/plain; charset=UTF-8" },
      body: JSON.stringify(snsMessage(notification, topics[0], 0)),
    }),
  };
}

function notificationOf(body: SamplePost["body"]): unknown {
  return JSON.parse((JSON.parse(String(body)) as { readonly Message: string }).Message);
}
