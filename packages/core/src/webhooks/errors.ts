import { PosthornError, type PosthornErrorCode } from "../errors.js";

/** A post that cannot be taken: what it answers, and why. */
export class WebhookRequestError extends PosthornError {
  static override readonly kind: string = "WebhookRequestError";
  static override readonly code: PosthornErrorCode = "WEBHOOK_REQUEST";
  declare readonly name: "WebhookRequestError";
  declare readonly code: "WEBHOOK_REQUEST";
  /** HTTP status of the answer. */
  readonly status!: number;

  constructor(
    message: string,
    details: { readonly status: number; readonly provider?: string; readonly cause?: unknown },
  ) {
    super(message, details);
  }
}
