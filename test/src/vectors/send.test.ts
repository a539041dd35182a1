import { readdirSync, readFileSync } from "node:fs";
import {
  ApiError,
  type FetchLike,
  InvalidAddressError,
  PosthornError,
  RecipientsRefusedError,
  SerializationError,
  TransportError,
  UnsupportedFeatureError,
} from "@posthorn/core";
import { describe, expect, it } from "vitest";
import { canonical, canonicalForm, type FormField } from "./compare.js";
import { exceptionFor } from "./exceptions.js";
import { PROVIDERS } from "./providers.js";

interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: readonly (readonly [string, string])[];
  readonly multipart?: readonly {
    readonly disposition: string;
    readonly contentType: string | null;
    readonly content: { readonly $base64: string };
  }[];
}
interface SendVector {
  readonly id: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly sendDefaults: Readonly<Record<string, unknown>>;
  readonly message: Readonly<Record<string, unknown>>;
  readonly requests: readonly RecordedRequest[];
  readonly responses: readonly {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  }[];
  readonly status?: { readonly recipients: unknown };
  readonly error?: { readonly type: string; readonly message: string };
}

const ERRORS: Readonly<Record<string, readonly (new (...args: never[]) => PosthornError)[]>> = {
  AnymailUnsupportedFeature: [UnsupportedFeatureError],
  AnymailAPIError: [ApiError],
  AnymailRequestsAPIError: [ApiError, TransportError],
  AnymailError: [PosthornError],
  AnymailInvalidAddress: [InvalidAddressError],
  AnymailRecipientsRefused: [RecipientsRefusedError],
  AnymailSerializationError: [SerializationError],
};

const SETTINGS: Readonly<Record<string, (value: unknown) => Readonly<Record<string, unknown>>>> = {
  IGNORE_UNSUPPORTED_FEATURES: (value) => ({ unsupported: value ? "drop" : "error" }),
  IGNORE_RECIPIENT_STATUS: (value) => ({ ignoreRecipientStatus: value }),
};

const folder = new URL("../../vectors/send/", import.meta.url);

for (const file of readdirSync(folder).sort()) {
  const name = file.replace(".json", "");
  const provider = PROVIDERS[name];
  // amazon-ses has only error cases, recorded without HTTP: its own package's tests run them.
  if (!provider || name === "amazon-ses") continue;
  describe(`send vectors of ${name}`, () => {
    const vectors = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as readonly SendVector[];
    for (const [index, vector] of vectors.entries()) {
      const exception = exceptionFor("send", name, vector.id, vector.message);
      it.skipIf(exception && !exception.ignore)(`${index} ${vector.id.split(".").at(-1)}`, async () => {
        const seen: RecordedRequest[] = [];
        const options = optionsOf(provider.prefix, vector.settings);
        let thrown: unknown;
        let recipients: unknown;
        try {
          const backend = provider.create({ ...options, fetch: replay(vector, seen), retry: false });
          recipients = (await backend.send(withoutNobody(revive(vector.message)) as never)).recipients;
        } catch (error) {
          thrown = error;
        }
        if (vector.error) {
          const classes = ERRORS[vector.error.type] ?? [];
          expect(thrown, `${vector.error.type}: ${vector.error.message}`).toSatisfy((error) =>
            classes.some((type) => error instanceof type),
          );
        } else {
          if (thrown) throw thrown;
          if (!exception?.ignore?.includes("recipients"))
            expect(namedIds(canonical(recipients))).toEqual(namedIds(canonical(vector.status?.recipients)));
        }
        expect(seen.map(withoutRandom).map(comparable)).toEqual(
          vector.requests.map(withoutRandom).map(comparable),
        );
      });
    }
  });
}

/** Idempotency keys, which the peer does not send, and ids made at random, which are numbered in their order. */
function withoutRandom(request: RecordedRequest): RecordedRequest {
  const names = new Map<string, string>();
  const text = JSON.stringify(request.json ?? null, (key, value: unknown) =>
    key === "idempotencyKey" || key === "idempotence_key" ? undefined : value,
  )
    .replace(/"headers":\{\},?/g, "")
    .replace(/,\}/g, "}")
    .replace(/mocked-uuid-\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => {
      if (!names.has(id)) names.set(id, `id ${names.size + 1}`);
      return names.get(id) ?? id;
    });
  return "json" in request ? { ...request, json: JSON.parse(text) as unknown } : request;
}

/** Ids of a result in the same manner, without reasons, which the peer does not give. */
function namedIds(recipients: unknown): unknown {
  const results = Object.entries((recipients ?? {}) as Readonly<Record<string, object>>).map(
    ([address, result]) => [address, { ...result, reason: undefined }],
  );
  const named = withoutRandom({ method: "", url: "", headers: {}, json: Object.fromEntries(results) });
  return named.json;
}

function optionsOf(prefix: string, settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.assign(
    {},
    ...Object.entries(settings).map(
      ([setting, value]) =>
        SETTINGS[setting]?.(value) ?? { [camelCase(setting.slice(prefix.length + 1))]: value },
    ),
  ) as Record<string, unknown>;
}

function camelCase(setting: string): string {
  return setting.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== "object" || value === null) return value;
  if ("$base64" in value && typeof value.$base64 === "string")
    return new Uint8Array(Buffer.from(value.$base64, "base64"));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, revive(member)]));
}

/** Without merge data for addresses that are not in `to`: the peer lets them go by, here they are an error. */
function withoutNobody(message: unknown): unknown {
  const { to = [], ...rest } = message as Record<string, unknown>;
  const known = [to].flat().map((address) => /([^<\s]+@[^>\s]+)/.exec(String(address))?.[1]);
  const kept = Object.entries(rest).map(([field, value]) =>
    /^merge(?!Global)/.test(field)
      ? [field, Object.fromEntries(Object.entries(value as object).filter(([key]) => known.includes(key)))]
      : [field, value],
  );
  return { to, ...Object.fromEntries(kept) };
}

function replay(vector: SendVector, seen: RecordedRequest[]): FetchLike {
  return async (url, init) => {
    const request = new Request(url, init);
    const answer = vector.responses[seen.length];
    seen.push(await record(request));
    if (!answer)
      throw new TypeError("fetch failed", {
        cause: Object.assign(new Error("bad certificate"), { code: "CERT_HAS_EXPIRED" }),
      });
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  };
}

async function record(request: Request): Promise<RecordedRequest> {
  const headers = Object.fromEntries(request.headers);
  const base = { method: request.method, url: request.url, headers };
  const type = headers["content-type"] ?? "";
  if (type.startsWith("application/x-www-form-urlencoded")) {
    return { ...base, form: [...new URLSearchParams(await request.text())] };
  }
  if (!type.startsWith("multipart/form-data")) return { ...base, json: JSON.parse(await request.text()) };
  const parts: NonNullable<RecordedRequest["multipart"]>[number][] = [];
  for (const [field, value] of await request.formData()) {
    const file = typeof value === "string" ? undefined : value;
    const bytes = file ? Buffer.from(await file.arrayBuffer()) : Buffer.from(String(value));
    parts.push({
      disposition: `form-data; name="${field}"${file ? `; filename="${file.name}"` : ""}`,
      contentType: file ? file.type : null,
      content: { $base64: bytes.toString("base64") },
    });
  }
  return { ...base, multipart: parts };
}

function comparable(request: RecordedRequest): unknown {
  const { method, url, headers } = request;
  const relevant = [
    "authorization",
    "api-key",
    "api-token",
    "x-server-api-key",
    "x-postmark-server-token",
    "x-auth-token",
    "x-api-key",
    "x-auth-key",
  ];
  const kept = relevant.filter((header) => header in headers).map((header) => [header, headers[header]]);
  const type = headers["content-type"]?.split(";")[0] ?? "application/json";
  return { method, url, type, headers: Object.fromEntries(kept), body: comparableBody(request) };
}

function comparableBody(request: RecordedRequest): unknown {
  if (request.form) return canonicalForm(request.form.map(([name, value]) => ({ name, value })));
  if (!request.multipart) return canonical(request.json);
  return canonicalForm(
    request.multipart.map((part): FormField => {
      const [, name = ""] = /name="([^"]*)"/.exec(part.disposition) ?? [];
      const [, filename] = /filename="([^"]*)"/.exec(part.disposition) ?? [];
      return {
        name,
        // The recording lost what is not ASCII in file names.
        ...(filename === undefined
          ? {}
          : { filename: filename.replace(/[^\x20-\x7e]/g, "?").replace(/\?+/g, "?") }),
        ...(part.contentType ? { contentType: part.contentType } : {}),
        value: part.content.$base64,
      };
    }),
  );
}
