import type { Address, RecipientResult, RecipientStatus } from "@posthorn/core";
import { parseAddressList } from "@posthorn/core/provider";

/** What Postmark says of one message. https://postmarkapp.com/developer/api/email-api#send-a-single-email */
export interface PostmarkResponse {
  /** Absent when the message was accepted and delivery may be delayed. */
  readonly ErrorCode?: number;
  readonly Message: string;
  readonly To?: string;
  readonly Cc?: string;
  readonly Bcc?: string;
  readonly MessageID?: string;
}

/** Whether a value is what Postmark says of one message. */
export function isPostmarkResponse(value: unknown): value is PostmarkResponse {
  const { ErrorCode, Message, MessageID } = (value ?? {}) as Partial<PostmarkResponse>;
  const hasCode = typeof ErrorCode === "number" || (ErrorCode === undefined && typeof MessageID === "string");
  return hasCode && typeof Message === "string";
}

/** `You tried to send to … inactive. … Found inactive addresses: a@example.com, b@example.com. Inactive …` */
const INACTIVE = /inactive addresses: (.*?)\.(?:\s|$)/i;
const LAST_INACTIVE = /inactive addresses: (.*)$/im;

/** Error 406: every recipient is suppressed. 300: something is not valid, often an address. */
const INACTIVE_RECIPIENT = 406;
const INVALID_REQUEST = 300;

/**
 * What a response says of the recipients of its message; `undefined` when it is an error of the request as a whole.
 *
 * @see https://postmarkapp.com/developer/api/overview#error-codes
 */
export function readMessage(
  response: PostmarkResponse,
  recipients: readonly Address[],
): Readonly<Record<string, RecipientResult>> | undefined {
  if ((response.ErrorCode ?? 0) === 0) {
    const taken = /delivery may be delayed/i.test(response.Message) ? "queued" : "sent";
    const inactive = inactiveAddresses(response.Message);
    const named = [response.To, response.Cc, response.Bcc].flatMap((field) =>
      field ? parseAddressList(field, "To") : [],
    );
    return Object.fromEntries(
      named.map(({ address }) => {
        const known =
          recipients.find((recipient) => sameAddress(recipient.email, address))?.address ?? address;
        const rejected = inactive.has(address.toLowerCase());
        return [
          known,
          rejected
            ? refused("rejected", { ...response, ErrorCode: INACTIVE_RECIPIENT })
            : { status: taken, messageId: response.MessageID ?? null },
        ];
      }),
    );
  }
  if (response.ErrorCode === INACTIVE_RECIPIENT) {
    const inactive = inactiveAddresses(response.Message);
    // When it names none, the message's only recipient is meant.
    const all = recipients.filter(({ email }) => inactive.size === 0 || inactive.has(email.toLowerCase()));
    return Object.fromEntries(all.map(({ address }) => [address, refused("rejected", response)]));
  }
  if (
    response.ErrorCode === INVALID_REQUEST &&
    /^(?:Invalid|Error parsing) '(?:To|Cc|Bcc)'/i.test(response.Message)
  ) {
    return Object.fromEntries(recipients.map(({ address }) => [address, refused("invalid", response)]));
  }
  return undefined;
}

/** A recipient who gets nothing, and Postmark's reason. */
export function refused(status: RecipientStatus, { ErrorCode, Message }: PostmarkResponse): RecipientResult {
  return { status, messageId: null, reason: { code: ErrorCode, message: Message, retryable: false } };
}

function inactiveAddresses(message: string): ReadonlySet<string> {
  const found = INACTIVE.exec(message)?.[1] ?? LAST_INACTIVE.exec(message)?.[1] ?? "";
  const addresses = found.split(",").map((address) => address.trim().replace(/\.$/, "").toLowerCase());
  return new Set(addresses.filter((address) => address !== ""));
}

function sameAddress(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
