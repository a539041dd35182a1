import { ConfigurationError, WebhookRequestError } from "../errors.js";
import { isRecord, type JsonRecord } from "../message/json.js";
import type { WebhookPost } from "../webhooks/post.js";
import { jsonOf, stringOf } from "../webhooks/values.js";

/** What SNS posts. https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html */
export interface SnsEnvelope {
  readonly type: string;
  readonly messageId: string | null;
  readonly topicArn: string;
  readonly message: string;
  readonly timestamp: string | null;
  readonly fields: JsonRecord;
}

/** @throws WebhookRequestError when it is no post of SNS, ConfigurationError when SNS posts without its envelope */
export function readEnvelope(provider: string, post: WebhookPost): SnsEnvelope {
  if (post.headers.get("x-amz-sns-rawdelivery") === "true") {
    throw new ConfigurationError(`${provider}: turn off raw message delivery of the SNS subscription`, {
      provider,
    });
  }
  const refuse = (why: string): never => {
    throw new WebhookRequestError(`${provider}: ${why}`, { status: 400 });
  };
  const fields = post.json();
  if (!isRecord(fields)) return refuse("the body is not an SNS message");
  const type = stringOf(fields["Type"]);
  const told = post.headers.get("x-amz-sns-message-type");
  const toldId = post.headers.get("x-amz-sns-message-id");
  if (type === null || (told !== null && told !== type)) {
    return refuse("the SNS message's type is missing, or another than its header's");
  }
  if (toldId !== null && toldId !== fields["MessageId"]) {
    return refuse("the SNS message's id is another than its header's");
  }
  return {
    type,
    messageId: stringOf(fields["MessageId"]),
    topicArn: stringOf(fields["TopicArn"]) ?? "",
    message: stringOf(fields["Message"]) ?? "",
    timestamp: stringOf(fields["Timestamp"]),
    fields,
  };
}

/** The provider's notification within the envelope. @throws ConfigurationError when it is another service's */
export function readNotification(provider: string, { message }: SnsEnvelope): JsonRecord {
  const notification = jsonOf(message);
  if (isRecord(notification)) return notification;
  throw new ConfigurationError(
    `${provider}: the SNS message is not a notification of this provider; look at the topic's publishers`,
    { provider },
  );
}
