import type { Message } from "./message.js";

/**
 * What a provider can do, one entry for each message field that not all of them have, and for the finer points that
 * decide whether a given message can go. `false`: it cannot. A text: it can, within that limit.
 */
export interface Features {
  readonly cc: boolean;
  readonly bcc: boolean;
  readonly replyTo: boolean | "one";
  readonly html: boolean;
  readonly amp: boolean;
  /** Bodies beyond text, html and amp. */
  readonly alternatives: boolean;
  readonly headers: boolean;
  readonly attachments: boolean;
  /** Attachments with a `contentId`. */
  readonly inlineAttachments: boolean;
  /** `domain`: only the domain of the envelope sender counts. */
  readonly envelopeSender: boolean | "domain";
  readonly metadata: boolean;
  readonly sendAt: boolean;
  readonly tags: boolean | "one";
  readonly trackClicks: boolean;
  readonly trackOpens: boolean;
  readonly templateId: boolean;
  /** Whether a message with a template may go without `from`: the template's own sender is used. */
  readonly templateSender: boolean;
  readonly mergeData: boolean;
  readonly mergeGlobalData: boolean;
  readonly mergeHeaders: boolean;
  readonly mergeMetadata: boolean;
  readonly idempotencyKey: boolean;
  /** Several addresses in `from`. */
  readonly multipleFrom: boolean;
}

/** The features that are message fields of the same name. */
export type FeatureField = Extract<keyof Features, keyof Message>;

/** The message fields that a provider with these features does not have. */
export type UnsupportedField<F extends Features> = {
  [K in FeatureField]: F[K] extends false ? K : never;
}[FeatureField];

/** A message for a provider with these features: giving a field it does not support is a type error. */
export type MessageFor<F extends Features> = Omit<Message, UnsupportedField<F>> & {
  readonly [K in UnsupportedField<F>]?: undefined;
};
