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

/** Every feature: what a backend without limits of its own can do, such as one for tests. */
export const ALL_FEATURES = {
  cc: true,
  bcc: true,
  replyTo: true,
  html: true,
  amp: true,
  alternatives: true,
  headers: true,
  attachments: true,
  inlineAttachments: true,
  envelopeSender: true,
  metadata: true,
  sendAt: true,
  tags: true,
  trackClicks: true,
  trackOpens: true,
  templateId: true,
  templateSender: true,
  mergeData: true,
  mergeGlobalData: true,
  mergeHeaders: true,
  mergeMetadata: true,
  idempotencyKey: true,
  multipleFrom: true,
} as const satisfies Features;

/** Every feature that a provider does not name is one that it lacks. */
export type DefinedFeatures<F extends Partial<Features>> = {
  readonly [K in keyof Features]: K extends keyof F ? Exclude<F[K], undefined> : false;
};

/**
 * What a provider can do, named feature by feature; those left out are `false`.
 *
 * @example
 * ```ts
 * const features = defineFeatures({ cc: true, bcc: true, html: true, headers: true, attachments: true, tags: "one" });
 * ```
 */
export function defineFeatures<const F extends Partial<Features>>(
  features: F & { readonly [K in Exclude<keyof F, keyof Features>]: never },
): DefinedFeatures<F> {
  const none = Object.keys(ALL_FEATURES).map((name) => [name, false]);
  return { ...Object.fromEntries(none), ...features } as DefinedFeatures<F>;
}

/** The names of features. */
export type Feature = keyof Features;

/** The features that are message fields of the same name. */
export type FeatureField = Extract<keyof Features, keyof Message>;

/** The message fields that a provider with these features does not have. */
export type UnsupportedField<F extends Features> = {
  [K in FeatureField]: F[K] extends false ? K : never;
}[FeatureField];

declare const notSupported: unique symbol;

/** The type of a message field that a provider lacks, so that the compiler names the provider. No value has it. */
export interface NotSupportedBy<Provider extends string> {
  readonly [notSupported]: Provider;
}

/** The type of a field that a provider takes once: the value, or a list of it alone. */
export type Once<T> = T extends readonly (infer Item)[] ? Item | readonly [Item] : T;

type FieldFor<F extends Features, K extends keyof Message, Provider extends string> = K extends keyof F
  ? [F[K]] extends [false]
    ? NotSupportedBy<Provider> | undefined
    : [F[K]] extends ["one"]
      ? Once<Message[K]>
      : [F[K]] extends [true | string]
        ? Message[K]
        : Message[K] | NotSupportedBy<string>
  : Message[K];

/**
 * A message for a provider with these features. A field that it lacks is {@link NotSupportedBy} it; one that it takes once says so.
 *
 * @example
 * ```ts
 * interface AcmeMessage extends MessageFor<AcmeFeatures, "Acme"> {}
 * ```
 */
export type MessageFor<F extends Features, Provider extends string = string> = {
  readonly [K in keyof Message]: FieldFor<F, K, Provider>;
};

/**
 * What a backend with these features takes: {@link MessageFor} as an interface. The compiler compares two types of one alias by their
 * parameters, but an interface with another type member by member, and only so does a provider's own message fit.
 */
export interface BackendMessage<F extends Features> extends MessageFor<F> {}

/**
 * Features of which some must be there: what a function asks of the backend that it is given.
 *
 * @example
 * ```ts
 * async function sendReport(mail: Backend<Supports<"tags" | "trackOpens">>) {
 *   await mail.send({ to: "ada@example.com", subject: "Report", text: "…", tags: "report", trackOpens: true });
 * }
 * ```
 */
export type Supports<K extends Feature> = {
  readonly [Name in Feature]: Name extends K ? Exclude<Features[Name], false> : Features[Name];
};

type FeaturesOf<B> = B extends { readonly features: infer F extends Features } ? F : never;
type LacksFeature<B, K extends Feature> = B extends { readonly features: infer F extends Features }
  ? [F[K]] extends [false]
    ? true
    : never
  : never;

/** What all of several backends can do. */
export type CommonFeatures<B extends { readonly features: Features }> = {
  readonly [K in Feature]: [LacksFeature<B, K>] extends [never] ? FeaturesOf<B>[K] : false;
};
