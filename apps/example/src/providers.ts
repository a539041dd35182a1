import type { RetryOptions } from "@posthorn/core";
import { mailgun } from "@posthorn/mailgun";
import { mandrill } from "@posthorn/mandrill";
import { type FakeProvider, startFakeMailgun, startFakeMandrill } from "@posthorn/testing/servers";

/** What the example sends through. */
export interface Providers {
  readonly mandrill: ReturnType<typeof mandrill>;
  readonly mailgun: ReturnType<typeof mailgun>;
  /** The fakes behind them, unless there are keys for the real ones. */
  readonly fakes: { readonly mandrill?: FakeProvider; readonly mailgun?: FakeProvider };
  close(): Promise<void>;
}

/** Quick enough to watch. A real app would leave these to their defaults. */
const retry: RetryOptions = { total: 5, connect: 5, status: 3, backoffFactor: 0.1, deadline: 20 };

/** The real providers where their keys are in the environment, and fakes on loopback where not. */
export async function startProviders(env: Readonly<Record<string, string | undefined>>): Promise<Providers> {
  const fakeMandrill = env["MANDRILL_API_KEY"] ? undefined : await startFakeMandrill();
  const fakeMailgun = env["MAILGUN_API_KEY"] ? undefined : await startFakeMailgun();
  return {
    mandrill: mandrill({ retry, ...target(fakeMandrill) }),
    mailgun: mailgun({ retry, ...target(fakeMailgun) }),
    fakes: {
      ...(fakeMandrill ? { mandrill: fakeMandrill } : {}),
      ...(fakeMailgun ? { mailgun: fakeMailgun } : {}),
    },
    close: async () => {
      await fakeMandrill?.close();
      await fakeMailgun?.close();
    },
  };
}

function target(fake: FakeProvider | undefined): { apiKey?: string; apiUrl?: string } {
  return fake ? { apiKey: fake.apiKey, apiUrl: fake.apiUrl } : {};
}
