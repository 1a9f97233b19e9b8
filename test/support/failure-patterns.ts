/**
 * Twenty ways in which systems of this kind lost or doubled records, each with the tests here that show
 * it does not happen. `failure-patterns.test.ts` checks that they are there.
 */

/** A test by the file that holds it, below `test/`, and its name as it is written there. */
export type NamedTest = readonly [file: string, name: string];

export interface FailurePattern {
  /** What went wrong elsewhere. */
  readonly pattern: string;
  readonly tests: readonly NamedTest[];
  /** What this tree does not have yet, so that the pattern is shown at the nearest thing it has. */
  readonly returnsWith?: string;
}

const sinkTraps = "integration/bigquery-sink-traps.test.ts";
const sinkFailures = "integration/bigquery-sink-failures.test.ts";
const writeTraps = "integration/bigquery-write-traps.test.ts";
const writeFailures = "integration/bigquery-write-failures.test.ts";
const loadFailures = "integration/bigquery-load-failures.test.ts";
const delivery = "integration/failure-patterns-delivery.test.ts";
const identity = "integration/failure-patterns-identity.test.ts";
const atSink = "integration/failure-patterns-sink.test.ts";
const engineEnds: NamedTest = [
  "integration/faults.test.ts",
  "loses and doubles nothing: ${victim} by ${signal}",
];
const killedCommit: NamedTest = [
  "integration/duckdb-sink-faults.test.ts",
  "keeps whole batches and their totals when it is killed after ${batches}",
];

export const failurePatterns: readonly FailurePattern[] = [
  {
    pattern: "(1) the reply is lost after the commit, and rows are written again",
    tests: [
      ["integration/bigquery-sink.test.ts", "shows a row once whose reply was lost after the commit"],
      killedCommit,
    ],
  },
  {
    pattern: "(2) an append is accepted and its reply lost: 'already there' is taken for a failure",
    tests: [
      [sinkTraps, "no deadline of its own: a server that never answers gets the same bytes again"],
      [sinkTraps, "a new insertId for each try: rows keep theirs, alone and in company"],
      [writeTraps, "silence lasts for ever: each append has a deadline, and the same bytes go again"],
      [
        writeFailures,
        "are sent again after a lost answer: twice in the table of write, once in that of upsert",
      ],
    ],
  },
  {
    pattern: "(3) a stream is abandoned with rows that are not committed",
    tests: [
      [
        "integration/duckdb-sink-faults.test.ts",
        "stores a batch once and counts it once when a try failed half way",
      ],
      killedCommit,
      [writeTraps, "after a reconnect answers settle the wrong appends: each generation has its own"],
    ],
  },
  {
    pattern: "(4) cleaning up deletes the data of a commit that only looked failed",
    tests: [
      [
        "integration/duckdb-sink-faults.test.ts",
        "opens its file anew when DuckDB gave it up for lack of room, and keeps what was stored",
      ],
      killedCommit,
      [loadFailures, "loads each row once after ${name}"],
      [
        "integration/bigquery-load-deaths.test.ts",
        'when it ${death.replaceAll("-", " ")}: each row is once in the table',
      ],
    ],
  },
  {
    pattern: "(5) two records share a key, and one of them is dropped",
    tests: [
      [identity, "results of a stream that was made again are not taken for those of its predecessor"],
      [
        "unit/data-engine/pipeline.test.ts",
        "names frames so that the same frame sent again is known and an equal one elsewhere is not",
      ],
      ["unit/message-ids.test.ts", "two messages share an id only if they are the same message"],
    ],
  },
  {
    pattern: "(6) the state of a job is read from an object that is out of date",
    tests: [
      [sinkTraps, "any 200 is success: only insertAll's own reply counts"],
      [sinkTraps, "a stream says done before the reply: a write is done after it"],
      [loadFailures, "waits for a job that runs long"],
      [loadFailures, "asks again after a ${what} that gets no answer, and loads each row once"],
    ],
  },
  {
    pattern: "(7) a message is acked before its outcome is durable",
    tests: [
      ["unit/crunch-engine/pipeline.test.ts", "acks only after the stream has confirmed"],
      ["unit/results-engine/batcher.test.ts", "resolves a message only after the batch it is in was stored"],
      engineEnds,
    ],
  },
  {
    pattern: "(8) the ack wait is shorter than a batch takes",
    tests: [
      [delivery, "a batch that takes three times the ack wait is written once and its messages come once"],
      [
        "unit/results-engine/config.test.ts",
        "refuses a batch that waits as long as a message may stay unsettled",
      ],
    ],
  },
  {
    pattern: "(9) what can never succeed is retried for ever, what may succeed is given up",
    tests: [
      [sinkTraps, "bad rows are sent three times more: a refused row is sent once"],
      [sinkFailures, "for as long as it takes, and people are told once"],
      ["contract/messaging-contract-consuming.ts", "an error that is no EngineError is a retry"],
    ],
  },
  {
    pattern: "(10) a nak without a delay becomes a hot loop",
    tests: [[delivery, "a message that always fails comes again ever more slowly, never in a hot loop"]],
  },
  {
    pattern: "(11) a connection comes back and nobody asks for messages again",
    tests: [
      [
        "integration/nats-faults.test.ts",
        "a server that is killed and restarted twice loses and doubles nothing",
      ],
      [
        "integration/nats-links.test.ts",
        "a link that swallows everything for 6 s loses nothing, and all goes on within 10 s of healing",
      ],
    ],
  },
  {
    pattern: "(12) closing drops what is in flight",
    tests: [
      [
        "contract/messaging-contract-consuming.ts",
        "an abort takes no more messages, finishes those in hand and leaves the rest",
      ],
      engineEnds,
    ],
  },
  {
    pattern: "(13) the columns of the table are in another order than those of the rows",
    tests: [
      [
        atSink,
        "a table with the right columns in another order is refused, so that no value lands in its neighbour",
      ],
      ["unit/results-engine/bigquery-rows.test.ts", "have the columns of the row, in order"],
    ],
  },
  {
    pattern: "(14) a worker blocks the event loop, and heartbeats stop",
    tests: [
      [
        delivery,
        "a cruncher that blocks its thread for three ack waits gets its record once, as heartbeats go on",
      ],
    ],
  },
  {
    pattern: "(15) one message crashes the worker, and its batch is lost with it",
    tests: [
      ["integration/crunch-pool-faults.test.ts", "gives a record up that kills its thread twice: ${trouble}"],
      [
        "integration/crunch-pool-faults.test.ts",
        "harms no single that shares its request with a killer, or with one that is stuck",
      ],
    ],
  },
  {
    pattern: "(16) lag is read from a follower, which is behind",
    tests: [],
    returnsWith: "a cluster of three servers under test",
  },
  {
    pattern: "(17) int64 lose digits in JSON",
    tests: [
      ["integration/exact-values.test.ts", "arrive byte for byte in BigQuery by mode=${mode}"],
      [sinkTraps, "a BigInt never settles: int64 leave as decimal strings"],
      ["integration/file-source-values.test.ts", "from JSON, with any text as Meta"],
    ],
  },
  {
    pattern: "(18) a batch that is not full is never written when the engine ends",
    tests: [[atSink, "a batch that is not full is written when the engine is told to stop"]],
  },
  {
    pattern: "(19) an outage is longer than the dedupe window",
    tests: [
      [identity, "records sent again after the dedupe window is over are repeats, and once in the table"],
    ],
  },
  {
    pattern: "(20) parking fails, and the message is acked all the same",
    tests: [
      [delivery, "a message that cannot be parked is not acked: it waits for room and is parked then"],
      ["unit/crunch-engine/pipeline.test.ts", "does not ack a message whose failed record was not parked"],
    ],
  },
];
