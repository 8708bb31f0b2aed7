/** How rows are claimed and processed. */
export interface ClaimRounds<Row> {
  /** Rows that one round claims at most. */
  readonly atOnceMax: number;
  /** Takes due rows for this server, with a lease. */
  readonly claim: () => Promise<readonly Row[]>;
  /** Processes one claimed row; whether it is done. It throws nothing that the provider causes. */
  readonly process: (row: Row) => Promise<boolean>;
  /** Ends the rounds. */
  readonly stop: AbortSignal | undefined;
}

/** Claims due rows and processes those of a round side by side, until a round is not full; how many are done. */
export async function processClaims<Row>(rounds: ClaimRounds<Row>): Promise<number> {
  const { atOnceMax, claim, process, stop } = rounds;
  let done = 0;
  for (;;) {
    if (stop?.aborted === true) return done;
    const claimed = await claim();
    const results = await Promise.all(claimed.map((row) => process(row)));
    done += results.filter(Boolean).length;
    if (claimed.length < atOnceMax) return done;
  }
}
