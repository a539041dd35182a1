import { ConfigurationError } from "../errors.js";

/**
 * How many retries all sends of a session may make together, in tokens: when a provider is down, retries of every send would multiply
 * its load. The figures are those of the AWS SDKs' standard mode.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
export interface RetryBudgetOptions {
  /** The most tokens there are, and how many there are at first. A success returns what its last retry took, or else 1. @default 500 */
  readonly tokens?: number | undefined;
  /** Tokens that a retry takes. @default 5 */
  readonly cost?: number | undefined;
  /** Tokens that a retry after a timeout takes. @default 10 */
  readonly timeoutCost?: number | undefined;
}

/** The tokens of a session. */
export class RetryBudget {
  private readonly tokens: number;
  private readonly cost: number;
  private readonly timeoutCost: number;
  private left: number;

  /** @throws ConfigurationError for malformed options */
  constructor(options: RetryBudgetOptions | false | undefined) {
    const { tokens = 500, cost = 5, timeoutCost = 10 } = options || {};
    if (
      options === null ||
      ![tokens, cost, timeoutCost].every((value) => typeof value === "number" && value >= 0)
    ) {
      throw new ConfigurationError(
        'Option "retryBudget" must be false or { tokens, cost, timeoutCost }: numbers of tokens, 0 or more',
      );
    }
    this.tokens = options === false ? Infinity : tokens;
    this.cost = cost;
    this.timeoutCost = timeoutCost;
    this.left = this.tokens;
  }

  /** Takes the tokens of a retry. @returns how many; `undefined` when there are too few */
  take(afterTimeout: boolean): number | undefined {
    const cost = afterTimeout ? this.timeoutCost : this.cost;
    if (cost > this.left) return undefined;
    this.left -= cost;
    return cost;
  }

  /** Returns tokens after a success. */
  give(tokens: number): void {
    this.left = Math.min(this.tokens, this.left + tokens);
  }
}
