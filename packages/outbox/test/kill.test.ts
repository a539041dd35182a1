import { describe, expect, it } from "vitest";
import { DEEP, type RoundReport, round, sharedPostgres, sharedSqlite, summary } from "./chaos/rounds.js";
import { beds } from "./helpers.js";

/** The outbox's promise, as counts. */
function expectPromise(report: RoundReport): void {
  const { doubles, invented, lost, ghosts, dead, unknownLeft, accepted, unknown, queued } = report;
  expect({ doubles, invented, lost, ghosts, dead, unknownLeft }, report.output).toEqual({
    doubles: 0,
    invented: 0,
    lost: 0,
    ghosts: 0,
    dead: 0,
    unknownLeft: 0,
  });
  expect(accepted + unknown).toBe(queued + report.unsure);
}

describe.each(beds)("workers that are killed and stopped, on $name", ({ name }) => {
  const shared = name === "postgres" ? sharedPostgres : sharedSqlite;

  it("accepts each message once, or holds it", { timeout: 120_000 }, async () => {
    const report = await round({ shared: await shared(), messages: 120, workers: 2, kills: 4, stops: 1 });
    console.log(summary(`short round on ${name}`, report));
    expectPromise(report);
  });

  it.runIf(DEEP)("holds for 200 kills", { timeout: 2_400_000 }, async () => {
    const report = await round({
      shared: await shared(),
      messages: 4000,
      workers: name === "postgres" ? 6 : 4,
      kills: 200,
      stops: 20,
      every: 500,
      limit: 2_300_000,
    });
    console.log(summary(`200 kills on ${name}`, report));
    expect(report.kills).toBe(200);
    expectPromise(report);
  });

  it.runIf(DEEP)("has all accepted where the provider takes keys", { timeout: 300_000 }, async () => {
    const report = await round({
      shared: await shared(),
      messages: 1500,
      workers: 4,
      kills: 30,
      stops: 5,
      keyed: true,
      limit: 280_000,
    });
    console.log(summary(`keyed round on ${name}`, report));
    expectPromise(report);
    // A message whose workers died three times is held.
    expect(report.unknown).toBeLessThan(report.queued / 100);
  });
});

it("fails without the begin mark: the proof can tell the difference", { timeout: 200_000 }, async () => {
  let doubles = 0;
  // Doubles come by chance: as many rounds as it takes, up to a bound.
  for (let seed = 1; seed <= 5 && doubles === 0; seed++) {
    const report = await round({
      shared: await sharedSqlite(),
      messages: 200,
      workers: 3,
      kills: 6,
      stops: 2,
      latency: 400,
      every: 200,
      seed,
      mutate: true,
    });
    console.log(summary("without the begin mark", report));
    doubles = report.doubles;
  }
  expect(doubles).toBeGreaterThan(0);
});
