import type { RequestSummary } from "../errors.js";
import { causes, messageOf } from "./classify.js";

const MARK = "[redacted]";
/** Headers that hold a credential whatever its value. */
const SECRET_HEADER = /authorization|cookie|api-?key|token|secret|signature|x-amz-security/i;

/** Takes a backend's secrets out of whatever leaves it. */
export class Redactor {
  private readonly secrets: readonly string[];
  private readonly given: readonly (string | undefined)[];

  /** @param secrets keys, passwords, tokens, in every form they are sent in */
  constructor(secrets: readonly (string | undefined)[]) {
    this.given = secrets;
    // The longest first, or a secret that holds another would be left in part.
    this.secrets = secrets
      .filter((secret): secret is string => Boolean(secret))
      .flatMap((secret) => [
        ...new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]),
      ])
      .sort((a, b) => b.length - a.length);
  }

  /** A redactor of further secrets too. */
  and(secrets: readonly string[]): Redactor {
    return secrets.length > 0 ? new Redactor([...this.given, ...secrets]) : this;
  }

  text(text: string): string {
    return this.secrets.reduce((redacted, secret) => redacted.replaceAll(secret, MARK), text);
  }

  headers(headers: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        SECRET_HEADER.test(name) ? MARK : this.text(value),
      ]),
    );
  }

  request(request: {
    method: string;
    url: string;
    headers: Readonly<Record<string, string>>;
  }): RequestSummary {
    return { method: request.method, url: this.text(request.url), headers: this.headers(request.headers) };
  }

  /**
   * A copy of an error and its causes with nothing but names, codes and redacted messages: ofetch's own errors hold the
   * request's headers, keys included.
   */
  error(error: unknown): Error | undefined {
    return causes(error).reduceRight<Error | undefined>((cause, link) => {
      const copy = new Error(this.text(messageOf(link)), cause ? { cause } : undefined);
      const { name, code } = (link ?? {}) as { readonly name?: unknown; readonly code?: unknown };
      if (typeof name === "string") copy.name = name;
      return code === undefined ? copy : Object.assign(copy, { code });
    }, undefined);
  }
}
